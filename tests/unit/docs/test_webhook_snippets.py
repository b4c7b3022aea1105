"""Runs what docs/webhooks.md shows or links to: each accepts what the service signs and rejects everything else."""

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.generation.webhooks.signed_messages import sign
from app.generation.webhooks.signing_keys import read_public_key

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
PRIVATE = "whsk_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
BODY = '{"status":"completed","progress":{"message":"Курс успешно создан 🎓"}}'.encode()

#: Appended to a snippet: reads the message as JSON from standard input and prints the verdict.
PROGRAMS = {
    "python": (
        [sys.executable, "-c"],
        "import json, sys; m = json.load(sys.stdin);"
        "print(verify(m['secret'], m['headers'], m['body'].encode('utf-8', 'surrogateescape')))",
    ),
    "js": (
        ["node", "--input-type=module", "-e"],
        "import { readFileSync } from 'node:fs'; const m = JSON.parse(readFileSync(0));"
        "console.log(verify(m.secret, m.headers, Buffer.from(m.body)))",
    ),
    "php": (
        ["php", "-r"],
        "$m = json_decode(stream_get_contents(STDIN), true);"
        "echo verify($m['secret'], $m['headers'], $m['body']) ? 'true' : 'false';",
    ),
    "ruby": (
        ["ruby", "-e"],
        'require "json"; m = JSON.parse(STDIN.read); puts verify(m["secret"], m["headers"], m["body"].b)',
    ),
}

#: The client that the page links to for a language, what its function needs, and the function.
LINKED = {
    "js": (
        "typescript/webhooks.ts",
        r"^import .*?node:crypto.*?$|^const TOLERANCE_S.*?$",
        r"^export function verify.*?^}$",
    ),
    "php": ("php/generate.php", r"^const TOLERANCE_S.*?$", r"^function verify.*?^}$"),
    "ruby": ("ruby/generate.rb", r'^require "openssl"$|^TOLERANCE_S.*?$', r"^def verify.*?^end$"),
}


def snippet(language: str) -> str:
    if language in LINKED:
        file, needs, function = LINKED[language]
        assert f"../examples/clients/{file}" in PAGE
        source = (ROOT / "examples" / "clients" / file).read_text(encoding="utf-8")
        [found] = re.findall(function, source, re.MULTILINE | re.DOTALL)
        signature, body = found.split("\n", 1)
        if language == "js":
            signature = re.sub(r": \w+", "", signature)
        return "\n".join([*re.findall(needs, source, re.MULTILINE), signature, body])
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


NEEDS = {
    language: pytest.mark.skipif(
        shutil.which(command[0]) is None,
        reason=f"{command[0]} is not installed (Debian, Ubuntu: .ci/run installs nodejs php-cli ruby)",
    )
    for language, (command, _) in PROGRAMS.items()
}


@pytest.mark.parametrize("language", [pytest.param(language, marks=mark) for language, mark in NEEDS.items()])
def test_a_snippet_accepts_only_a_recent_valid_signature(language: str) -> None:
    check(language, snippet(language), SECRET)


@NEEDS["js"]
def test_the_snippet_for_the_public_key_accepts_only_a_recent_valid_signature() -> None:
    [found] = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    check("js", found, read_public_key(PRIVATE))


def check(language: str, program: str, key: str) -> None:
    """The program accepts messages by this key, and no others."""
    command, call = PROGRAMS[language]
    now = int(time.time())

    def signed(secret: str, private: str, timestamp: int) -> dict[str, str]:
        return dict(sign([secret], private, "id-1", timestamp, BODY))

    good, old = signed(SECRET, PRIVATE, now), signed(SECRET, PRIVATE, now - 301)
    other = signed(SECRET[:-2] + "A=", PRIVATE[:-2] + "A=", now)
    both = good | {"webhook-signature": f"{other['webhook-signature']} {good['webhook-signature']}"}
    swapped = good | {"webhook-signature": good["webhook-signature"].replace("v1a,", "v2,").replace("v1,", "v1a,")}
    text = BODY.decode()

    def verdict(headers: dict[str, str], body: str) -> bool:
        message = json.dumps({"secret": key, "headers": headers, "body": body})
        done = subprocess.run(
            [*command, f"{program}\n{call}"], input=message, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return {"true": True, "false": False}[done.stdout.strip().lower()]

    assert verdict(good, text)
    assert verdict(both, text)
    assert not verdict(good, f"{text} ")
    assert not verdict(other, text)
    assert not verdict(old, text)
    assert not verdict(good | {"webhook-id": "id-2"}, text)
    assert not verdict(swapped, text)


def test_the_openssl_line_computes_the_signature_for_older_receivers(tmp_path: Path) -> None:
    headers = sign([SECRET], None, "id-1", 1700000000, BODY)
    (tmp_path / "body").write_bytes(BODY)
    done = subprocess.run(
        ["sh", "-ec", snippet("sh")],
        cwd=tmp_path,
        env={"WEBHOOK_SECRET": SECRET, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"{headers['x-webhook-signature']}\n"
