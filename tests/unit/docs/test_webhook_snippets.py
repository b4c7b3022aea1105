"""Runs the snippets of docs/webhooks.md: each accepts what the service signs and rejects everything else."""

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

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
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
        'require "json"; m = JSON.parse(STDIN.read); puts verify(m["secret"], m["headers"], m["body"])',
    ),
}


#: A header of the page, and the key that its snippets verify with.
SECTIONS = {
    "### With the secret": SECRET,
    "### With the public key": read_public_key(PRIVATE),
}


def snippets(section: str) -> dict[str, str]:
    """The section's snippets by language."""
    text = PAGE.partition(f"\n{section}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    return dict(re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(
    ("section", "language"),
    [
        pytest.param(
            section,
            language,
            marks=pytest.mark.skipif(
                shutil.which(PROGRAMS[language][0][0]) is None,
                reason=f"{language} is not installed (Debian, Ubuntu: .ci/run installs nodejs php-cli ruby)",
            ),
        )
        for section in SECTIONS
        for language in snippets(section)
        if language != "sh"
    ],
)
def test_a_snippet_accepts_only_a_recent_valid_signature(section: str, language: str) -> None:
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
        message = json.dumps({"secret": SECTIONS[section], "headers": headers, "body": body})
        program = f"{snippets(section)[language]}\n{call}"
        done = subprocess.run(
            [*command, program], input=message, capture_output=True, text=True, timeout=60, check=False
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


def test_every_section_has_snippets() -> None:
    assert {section: set(snippets(section)) for section in SECTIONS} == {
        "### With the secret": {"python", "js", "php", "ruby", "sh"},
        "### With the public key": {"python", "js"},
    }


def test_the_openssl_lines_compute_both_signatures(tmp_path: Path) -> None:
    headers = sign([SECRET], None, "id-1", 1700000000, BODY)
    (tmp_path / "body").write_bytes(BODY)
    environment = {
        "WEBHOOK_SECRET": SECRET,
        "WEBHOOK_ID": "id-1",
        "WEBHOOK_TIMESTAMP": "1700000000",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        ["sh", "-ec", snippets("### With the secret")["sh"]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"v1,{done.stdout}" == f"{headers['webhook-signature']}{headers['x-webhook-signature']}\n"
