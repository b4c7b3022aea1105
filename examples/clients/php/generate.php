<?php
// Starts the generation of a course, follows it by polling, and receives its webhooks. Needs only PHP 8 (php-cli).
//   API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET   as the files of `make run` set them

declare(strict_types=1);

const TOLERANCE_S = 300;
const PATIENCE_S = 600;
const FINAL_STATUSES = ['completed', 'failed', 'cancelled'];

/** Whether the webhook comes from the service and is recent; header names are in lower case. */
function verify(string $secret, array $headers, string $body): bool
{
    if (abs(time() - (int) $headers['webhook-timestamp']) > TOLERANCE_S) {
        return false;
    }
    $key = base64_decode(substr($secret, strlen('whsec_')), true);
    $signed = "{$headers['webhook-id']}.{$headers['webhook-timestamp']}.$body";
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $key, true));
    foreach (explode(' ', $headers['webhook-signature']) as $signature) {
        if (hash_equals($expected, $signature)) {
            return true;
        }
    }
    return false;
}

/** The response's status and JSON. */
function call(string $method, string $path, ?array $body = null, array $headers = []): array
{
    $headers[] = 'Authorization: Bearer ' . getenv('TOKEN');
    $headers[] = 'Content-Type: application/json';
    $options = ['method' => $method, 'header' => $headers, 'timeout' => 10, 'ignore_errors' => true];
    if ($body !== null) {
        $options['content'] = json_encode($body, JSON_THROW_ON_ERROR);
    }
    $answer = file_get_contents(getenv('API') . $path, false, stream_context_create(['http' => $options]));
    preg_match('{^HTTP/\S+ (\d+)}', $http_response_header[0], $status);
    return [(int) $status[1], json_decode((string) $answer, true)];
}

/** Receives one webhook within so many seconds and answers it; returns its message or null. */
function receive($server, float $seconds): ?array
{
    $connection = @stream_socket_accept($server, $seconds);
    if ($connection === false) {
        return null;
    }
    stream_set_timeout($connection, 5);
    fgets($connection);
    $headers = [];
    while (($line = trim((string) fgets($connection))) !== '') {
        [$name, $value] = explode(':', $line, 2);
        $headers[strtolower($name)] = trim($value);
    }
    $body = (string) stream_get_contents($connection, (int) $headers['content-length']);
    $good = verify(getenv('WEBHOOK_SECRET'), $headers, $body);
    fwrite($connection, $good ? "HTTP/1.1 204 No Content\r\n\r\n" : "HTTP/1.1 401 Unauthorized\r\n\r\n");
    fclose($connection);
    return $good ? json_decode($body, true) : null;
}

$server = stream_socket_server('tcp://127.0.0.1:0');
$courseId = getenv('COURSE_ID');
$payload = ['courseId' => $courseId, 'webhookUrl' => 'http://' . stream_socket_get_name($server, false) . '/'];
// One key for each generation, the same on every retry: however often this request is sent, one generation starts.
[$code, $started] = call('POST', '/api/coursegen/generate', $payload, ['Idempotency-Key: ' . bin2hex(random_bytes(16))]);
if ($code !== 200) {
    fwrite(STDERR, "$code {$started['error']} ({$started['code']}, request {$started['requestId']})\n");
    exit(1);
}
echo "started {$started['jobId']}\n";

$status = $told = $shown = '';
$until = microtime(true) + PATIENCE_S;
while (!(in_array($status, FINAL_STATUSES, true) && $told === $status) && microtime(true) < $until) {
    $webhook = receive($server, 0.3);
    if ($webhook !== null) {
        $told = $webhook['status'];
        echo "webhook verified: $told {$webhook['progress']['percentage']} %\n";
    }
    [, $course] = call('GET', '/api/courses/' . getenv('SLUG') . '/check-status');
    $status = $course['currentGenerationStatus'];
    $line = sprintf("%3d %% %s\n", $course['generationProgress']['percentage'], $course['generationProgress']['message']);
    if ($line !== $shown) {
        echo $shown = $line;
    }
}
echo "$status\n";
exit($status === 'completed' && $told === 'completed' ? 0 : 1);
