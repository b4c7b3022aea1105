# frozen_string_literal: true

# Starts the generation of a course, follows it by polling, and receives its webhooks. Needs only Ruby.
#   API, TOKEN, COURSE_ID, SLUG, WEBHOOK_SECRET   as the files of `make run` set them

require "json"
require "net/http"
require "openssl"
require "securerandom"
require "socket"

TOLERANCE_S = 300
POLL_S = 0.5
PATIENCE_S = 600
FINAL = %w[completed failed cancelled].freeze

# Whether the webhook comes from the service and is recent; header names are in lower case.
def verify(secret, headers, body)
  return false if (Time.now.to_i - headers["webhook-timestamp"].to_i).abs > TOLERANCE_S

  key = secret.delete_prefix("whsec_").unpack1("m")
  signed = "#{headers["webhook-id"]}.#{headers["webhook-timestamp"]}.".b + body
  expected = "v1,#{[OpenSSL::HMAC.digest("SHA256", key, signed)].pack("m0")}"
  headers["webhook-signature"].split.any? { |one| OpenSSL.secure_compare(expected, one) }
end

# Receives one webhook and answers it; returns its message or nil.
def receive(connection)
  connection.gets
  headers = {}
  while (line = connection.gets&.strip) && !line.empty?
    name, value = line.split(":", 2)
    headers[name.downcase] = value.strip
  end
  body = connection.read(headers["content-length"].to_i)
  good = verify(ENV.fetch("WEBHOOK_SECRET"), headers, body)
  connection.write(good ? "HTTP/1.1 204 No Content\r\n\r\n" : "HTTP/1.1 401 Unauthorized\r\n\r\n")
  good ? JSON.parse(body) : nil
ensure
  connection.close
end

# The service's response.
def call(request)
  uri = URI(ENV.fetch("API"))
  request["Authorization"] = "Bearer #{ENV.fetch("TOKEN")}"
  # nil: ignore the environment's proxies.
  Net::HTTP.start(uri.host, uri.port, nil, use_ssl: uri.scheme == "https", read_timeout: 10) { |http| http.request(request) }
end

told = Queue.new
server = TCPServer.new("127.0.0.1", 0)
Thread.new do
  loop do
    message = receive(server.accept) or next
    puts "webhook verified: #{message["status"]} #{message["progress"]["percentage"]} %"
    told << message["status"] if FINAL.include?(message["status"])
  end
end

course_id = ENV.fetch("COURSE_ID")
# One key for each generation, the same on every retry: however often this request is sent, one generation starts.
headers = { "Content-Type" => "application/json", "Idempotency-Key" => SecureRandom.uuid }
start = Net::HTTP::Post.new("/api/coursegen/generate", headers)
start.body = JSON.generate(courseId: course_id, webhookUrl: "http://127.0.0.1:#{server.addr[1]}/")
answer = call(start)
abort "#{answer.code} #{answer.body}" unless answer.code == "200"
puts "started #{JSON.parse(answer.body)["jobId"]}"

status = tag = nil
deadline = Process.clock_gettime(Process::CLOCK_MONOTONIC) + PATIENCE_S
until FINAL.include?(status) || Process.clock_gettime(Process::CLOCK_MONOTONIC) > deadline
  poll = Net::HTTP::Get.new("/api/courses/#{ENV.fetch("SLUG")}/check-status")
  poll["If-None-Match"] = tag if tag
  answer = call(poll)
  if answer.code == "200"
    tag = answer["ETag"]
    course = JSON.parse(answer.body)
    status = course["currentGenerationStatus"]
    puts format("%3d %% %s", course["generationProgress"]["percentage"], course["generationProgress"]["message"])
  end
  sleep POLL_S
end
last = Thread.new { told.pop }.join(30)&.value
puts status
exit(status == "completed" && last == "completed")
