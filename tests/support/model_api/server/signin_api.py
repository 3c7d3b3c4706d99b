# SPDX-License-Identifier: Apache-2.0
# Signing in to OpenAI by a device code, as `codex login --device-auth` does it: a code to show, a wait until
# somebody typed it (here: the second time that it is asked), an authorization code, and tokens for that. The
# tokens are worth nothing anywhere; the identity token is a JWT without a signature.
import base64
import json
import time

USER_CODE = "TEST-12345"
_polls = set()


def _jwt(claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims)}.{part('none')}"


def answer(handler, path, request):
    """Answers a request of the device flow; None when it is none, else what was played."""
    if handler.command != "POST":
        return None
    if path == "/api/accounts/deviceauth/usercode":
        handler.send_json(200, {"device_auth_id": f"device-{time.time_ns()}", "user_code": USER_CODE, "interval": "1"})
        return "user code"
    if path == "/api/accounts/deviceauth/token":
        device = (request or {}).get("device_auth_id", "")
        if device not in _polls:
            _polls.add(device)
            handler.send_json(403, {"error": {"message": "not typed yet"}})
            return "pending"
        handler.send_json(200, {"authorization_code": "code", "code_challenge": "challenge", "code_verifier": "verifier"})
        return "authorization code"
    if path == "/oauth/token":
        now = int(time.time())
        identity = {"iat": now, "exp": now + 3600, "email": "test@example.invalid",
                    "https://api.openai.com/auth": {"chatgpt_account_id": "account", "chatgpt_plan_type": "pro"}}
        handler.send_json(200, {"id_token": _jwt(identity), "access_token": _jwt({"exp": now + 3600}), "refresh_token": "refresh",
                                "token_type": "Bearer", "expires_in": 3600})
        return "tokens"
    return None
