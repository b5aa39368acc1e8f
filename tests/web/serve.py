"""Ask Airflow's API server, with our plugin in it, for pages, as several users; prints what it answers as JSON."""

from __future__ import annotations

import json
import sys
import time

sys.argv.append("api-server")

from airflow.api_fastapi.app import create_app, get_auth_manager  # noqa: E402
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser  # noqa: E402
from fastapi.testclient import TestClient  # noqa: E402


def main() -> None:
    """Requests come as JSON lines: role (or null), path."""
    app = create_app()
    with TestClient(app, follow_redirects=False) as client:
        manager = get_auth_manager()
        answers = []
        for role, path in json.loads(sys.stdin.read()):
            token = manager.generate_jwt(SimpleAuthManagerUser(username="someone", role=role)) if role else None
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            if role == "nonsense":
                headers = {"Authorization": "Bearer nonsense"}
            started = time.monotonic()
            answer = client.get(path, headers=headers)
            seconds = time.monotonic() - started
            answers.append(
                {"status": answer.status_code, "text": answer.text, "seconds": seconds, "headers": dict(answer.headers)}
            )
        (ours,) = [mount.app for mount in app.routes if getattr(mount, "path", "") == "/nightjar"]
        routes = sorted(route.path for route in ours.routes)
    print("ANSWERS" + json.dumps({"answers": answers, "routes": routes}))


main()
