"""An LMS over HTTP for tests: a real server of recorded answers, or of as many invented learners as a bench needs.

By hand: `python -m tests.services.lms_http [--learners N] [--port P]` serves until it is interrupted.
"""

import argparse
import base64
import json
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

RECORDINGS = Path(__file__).parent / "recordings"
RECORDED_HOST = "https://lms.example.org"
CERT101 = "course-v1:Example+CERT101+2026_T1"
BIG = "course-v1:Example+BIG+2026_T1"
CLIENT, SECRET = "conferral-service", "a secret of the tests"
SERVICE_USER = "credentials_service"


def recording(name):
    """What a real LMS was asked, and what it answered."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def body(name):
    return recording(name)["response"]["body"]


@dataclass
class Course:
    """What the LMS tells of one course, in the shapes that it tells it."""

    detail: dict[str, Any]
    info: dict[str, Any]
    grades: list[dict[str, Any]] = field(default_factory=list)
    gradebook: list[dict[str, Any]] = field(default_factory=list)
    completion: list[dict[str, Any]] = field(default_factory=list)
    enrolments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Campus:
    """Courses and pathways by key, accounts by username; `team`: username, role and course.

    `staff`: whether the service user is.
    """

    courses: dict[str, Course] = field(default_factory=dict)
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    verified: dict[str, dict[str, Any]] = field(default_factory=dict)
    pathways: dict[str, dict[str, Any]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    team: list[tuple[str, str, str]] = field(default_factory=list)
    staff: bool = True
    gradebook: bool = True


def recorded():
    """The two recorded courses, with the accounts and enrolments that were recorded."""
    accounts = {one["username"]: one for one in body("accounts_100")}
    for name in ("accounts_retired_new_username", "accounts_with_verified_name"):
        accounts |= {one["username"]: one for one in body(name)}
    detail = body("course_detail")
    cert101 = Course(
        detail,
        body("gradebook_grading_info"),
        body("grades_course_page_size_1000")["results"],
        body("gradebook_page_size_500")["results"],
        body("aggregator_course_1000")["results"],
        body("enrollments_max_page")["results"] + body("enrollments_retired")["results"],
    )
    big = Course(
        detail | {"id": BIG, "course_id": BIG, "number": "BIG", "name": "Big Course"},
        body("gradebook_grading_info")
        | {
            "assignment_types": {
                # Not recorded: what reproduces all fifty recorded percentages.
                "Homework": {"type": "Homework", "min_count": 12, "drop_count": 2, "weight": 0.3},
                "Final Exam": {"type": "Final Exam", "min_count": 1, "drop_count": 0, "weight": 0.7},
            }
        },
        body("big_grades_50")["results"],
        body("big_gradebook_50")["results"],
        body("big_aggregator_50")["results"],
    )
    return Campus({CERT101: cert101, BIG: big}, accounts, {"learner0010": body("verified_name")})


def generated(count, key=CERT101, *, subsections=6):
    """Invented learners of a course, the same ones each time; every third qualifies by whatever one asks for."""
    info = body("gradebook_grading_info")
    categories = list(info["assignment_types"])
    course = Course(body("course_detail") | {"id": key, "course_id": key}, info)
    campus = Campus({key: course})
    for number in range(count):
        username, share = f"learner{number:06}", (number % 100) / 100
        good = number % 3 == 0
        total = 0.95 if good else share * 0.5
        add_learner(
            campus,
            key,
            username,
            total=round(total, 2),
            letter="A" if good else None,
            completion=1.0 if good else share * 0.7,
            sections=[
                (categories[place % len(categories)], 3.0 if good else float(number % 2), 3.0)
                for place in range(subsections)
            ],
            mode="audit" if number % 30 == 0 else "verified",
        )
    return campus


def add_learner(
    campus,
    key,
    username,
    *,
    total=0.0,
    letter=None,
    completion=0.0,
    sections=(),
    mode="verified",
    name=None,
    email=None,
    active=True,
):
    """One more learner in that course: sections are (category, earned, possible), None for one not attempted."""
    course = campus.courses[key]
    account = campus.accounts.setdefault(
        username,
        {
            "id": len(campus.accounts) + 10,
            "username": username,
            "name": f"Name of {username}" if name is None else name,
            "email": f"{username}@example.com" if email is None else email,
            "is_active": active,
            "verified_name": None,
        },
    )
    course.grades.append(
        {
            "username": username,
            "email": "",
            "course_id": key,
            "passed": letter is not None,
            "percent": total,
            "letter_grade": letter,
        }
    )
    breakdown = [
        {
            "attempted": earned is not None,
            "category": category,
            "label": f"{category} {number}",
            "module_id": f"block-v1:{key[10:]}+type@sequential+block@s{number}",
            "percent": round((earned or 0) / possible, 4) if possible else 0.0,
            "score_earned": earned or 0.0,
            "score_possible": 0.0 if earned is None else possible,
            "subsection_name": f"Subsection {number}",
        }
        for number, (category, earned, possible) in enumerate(sections)
    ]
    course.gradebook.append(
        {"user_id": account["id"], "username": username, "email": "", "percent": total, "section_breakdown": breakdown}
    )
    course.completion.append(
        {
            "course_key": key,
            "completion": {"earned": completion * 28, "possible": 28.0, "percent": completion},
            "username": username,
        }
    )
    course.enrolments.append(
        {"created": "2026-01-10T00:00:00Z", "mode": mode, "is_active": True, "user": username, "course_id": key}
    )


def add_pathway(campus, key, steps, members, name="Data Skills"):
    """A pathway of the learning-paths-plugin."""
    campus.pathways[key] = {
        "key": key,
        "display_name": name,
        "sequential": False,
        "steps": [{"order": number, "course_key": step} for number, step in enumerate(steps, 1)],
    }
    campus.members[key] = list(members)


class Handler(BaseHTTPRequestHandler):
    """One connection. HTTP/1.1, so that a client may keep it."""

    protocol_version = "HTTP/1.1"
    server: "Server"

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.lock:
            self.server.connections += 1

    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + self.server.ahead)

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.answer()

    def do_POST(self):
        self.answer()

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length)
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        server = self.server
        with server.lock:
            server.calls[_api(path)] += 1
            server.asked.append(self.path)
            server.under_way += 1
            server.most = max(server.most, server.under_way)
            fault = next((one for one in server.faults if one.matches(path)), None)
        try:
            if fault is None or not fault.act(self, path):
                status, answer = server.respond(self.command, path, query, self.headers, sent)
                self.send(status, answer if isinstance(answer, bytes) else json.dumps(answer).encode())
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with server.lock:
                server.under_way -= 1

    def send(self, status, content, kind="application/json", headers=(), cut=0):
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) - cut])
        if cut:
            self.wfile.flush()
            self.close_connection = True


def _api(path):
    for name, part in (
        ("token", "/oauth2/"),
        ("gradebook", "/gradebook/"),
        ("grades", "/api/grades/v1/courses/"),
        ("completion", "/completion-aggregator/"),
        ("accounts", "/accounts"),
        ("enrolments", "/enrollment/v1/"),
        ("course", "/api/courses/"),
        ("pathway", "/learning_paths/"),
    ):
        if part in path:
            return "info" if path.endswith("grading-info") else name
    return path


@dataclass
class Fault:
    """What goes wrong on paths that contain `part`, after `after` calls, `times` times."""

    part: str
    how: Any
    times: int = 1
    after: int = 0

    def matches(self, path):
        if self.part not in path or not self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True

    def act(self, handler, path):
        return self.how(handler, path)


def status(code, answer=None, **headers):
    """Answers with that status; a page of HTML unless something else is given."""

    def act(handler, path):
        content = b"<html><h1>Oops</h1></html>" if answer is None else json.dumps(answer).encode()
        kind = "text/html; charset=utf-8" if answer is None else "application/json"
        handler.send(code, content, kind, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return True

    return act


def truncated(handler, path):
    """Says that it sends more than it does, and hangs up."""
    handler.send(200, json.dumps({"results": [], "next": None, "padding": "x" * 5000}).encode(), cut=3000)
    return True


def reset(handler, path):
    """Hangs up without an answer."""
    handler.close_connection = True
    handler.connection.close()
    return True


def slow(seconds):
    """Answers, and takes its time."""

    def act(handler, path):
        time.sleep(seconds)
        return False

    return act


def then(change):
    """Changes something on the campus, and answers as ever."""

    def act(handler, path):
        change()
        return False

    return act


class Server(ThreadingHTTPServer):
    """Serves a campus on a loopback port of its own."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, campus, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.campus = campus
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.faults: list[Fault] = []
        self.throttle = 0  # enrolment calls in a minute; 0: as many as one likes
        self.throttle_seconds = 60
        self.token_seconds = 3600
        self.ahead = 0  # seconds of its clock
        self.tokens: dict[str, float] = {}
        self._pages: dict[Any, bytes] = {}
        self._windows: list[float] = []
        self.forget()

    def forget(self):
        """Counts anew."""
        self.calls: Counter[str] = Counter()
        self.asked: list[str] = []
        self.connections = self.under_way = self.most = 0

    def fail(self, part, how, times=1, after=0):
        """The next calls to paths that contain `part` fail like that."""
        self.faults.append(Fault(part, how, times, after))

    def revoke(self):
        """No token of before is worth anything now."""
        self.tokens.clear()

    def settings(self, **more):
        """What the gateway has to be told."""
        return {"url": self.url, "client_id": CLIENT, "client_secret": SECRET, "backoff": 0.01} | more

    def respond(self, method, path, query, headers, sent):  # noqa: PLR0912 - a table of addresses
        if path == "/oauth2/access_token/":
            return self._token(parse_qs(sent.decode()))
        token = headers.get("Authorization", "").removeprefix("JWT ")
        if self.tokens.get(token, 0) < time.monotonic():
            return 401, {"developer_message": "Incorrect authentication credentials."}
        pieces = path.strip("/").split("/")
        match pieces:
            case ["api", "user", "v1", "me"]:
                return 200, body("me") | {"username": SERVICE_USER}
            case ["api", "user", "v1", "accounts"]:
                return self._accounts(query)
            case ["api", "courses", "v1", "courses"]:
                found = [course.detail for course in self.campus.courses.values()]
                return 200, {"results": found, "pagination": {"next": None, "count": len(found)}}
            case ["api", "courses", "v1", "course_ids"]:
                asked = (query["username"], query["role"])
                found = [key for username, role, key in self.campus.team if (username, role) == asked]
                return 200, {"results": found, "pagination": {"next": None, "count": len(found)}}
            case ["api", "courses", "v1", "courses", key]:
                found = self.campus.courses.get(key)
                return (200, found.detail) if found else (404, body("course_detail_404"))
            case ["api", "enrollment", "v1", "enrollments"]:
                return self._enrolments(path, query)
            case ["completion-aggregator", "v1", "course", key]:
                return self._completion(path, key, query)
            case ["api", "grades", "v1", "courses", key]:
                return self._graded(path, key, query, "grades")
            case ["api", "grades", "v1", "gradebook", key]:
                return self._graded(path, key, query, "gradebook")
            case ["api", "grades", "v1", "gradebook", key, "grading-info"]:
                return self._graded(path, key, query, "info")
            case ["api", "learning_paths", "v1", "learning-paths", key]:
                found = self.campus.pathways.get(key)
                return (200, found) if found else (404, {"detail": "No LearningPath matches the given query."})
            case ["api", "learning_paths", "v1", key, "enrollments"]:
                return self._members(key, query)
            case ["api", "edx_name_affirmation", "v1", "verified_name"]:
                found = self.campus.verified.get(query.get("username", ""))
                return (200, found) if found else (404, {})
        return 404, {"detail": "Not found."}

    def _token(self, form):
        if (form.get("client_id"), form.get("client_secret")) != ([CLIENT], [SECRET]):
            return 401, body("oauth_token_bad_secret")
        token = f"token-{len(self.asked)}-{time.monotonic_ns()}"
        self.tokens[token] = time.monotonic() + self.token_seconds
        return 200, body("oauth_token_jwt") | {"access_token": token, "expires_in": self.token_seconds}

    def _accounts(self, query):
        if "lms_user_id" in query:
            found = [one for one in self.campus.accounts.values() if str(one["id"]) == query["lms_user_id"]]
        else:
            asked = query["username"].split(",")
            if len(asked) > 100:
                return 400, {"developer_message": "too many in a call of the tests"}
            # A retired account is found by its new name alone, and says so in its own.
            found = [self.campus.accounts[name] for name in asked if name in self.campus.accounts]
        if not self.campus.staff:
            found = [{"username": one["username"], "account_privacy": "private"} for one in found]
        return (200, found) if found else (404, b"")

    def _enrolments(self, path, query):
        if not self.campus.staff:
            return 403, body("enrollments_403_not_staff")
        if self.throttle:
            now = time.monotonic()
            self._windows = [at for at in self._windows if at > now - self.throttle_seconds]
            if len(self._windows) >= self.throttle:
                wait = int(self._windows[0] + self.throttle_seconds - now) + 1
                return 429, {"developer_message": f"Request was throttled. Expected available in {wait} seconds."}
            self._windows.append(now)
        every = self.campus.courses
        courses = [each for key, each in every.items() if query.get("course_id", key) == key]
        found = [one for each in courses for one in each.enrolments]
        if "username" in query:
            asked = set(query["username"].split(","))
            found = [one for one in found if one["user"] in asked]
        return 200, self._cursor(path, query, found, most=100)

    def _graded(self, path, key, query, which):
        course = self.campus.courses.get(key)
        if course is None:
            return 404, body("grades_course_404_course")
        if not self.campus.staff:
            return 403, body("gradebook_403")
        if which != "grades" and not self.campus.gradebook:
            said = "the writable gradebook feature is not enabled for this course"
            return 403, {"developer_message": said, "error_code": "feature_not_enabled"}
        if which == "info":
            return 200, course.info
        rows = getattr(course, which)
        if "username" in query:
            found = [one for one in rows if one["username"] == query["username"]]
            if not found:
                return 404, body("grades_course_404_not_enrolled")
            return 200, found if which == "grades" else found[0]
        kept = (path, query.get("cursor"), query.get("page_size"), len(rows))
        if kept not in self._pages:
            self._pages[kept] = json.dumps(self._cursor(path, query, rows)).encode()
        return 200, self._pages[kept]

    def _completion(self, path, key, query):
        if not self.campus.staff:
            return 403, body("aggregator_course_403_or_self")
        course = self.campus.courses.get(key)
        if course is None:
            return 200, body("aggregator_404")
        found = course.completion
        if "username" in query:  # whose name is not told again
            of_one = [one for one in found if one["username"] == query["username"]]
            found = [{name: value for name, value in one.items() if name != "username"} for one in of_one]
        size, page = int(query.get("page_size", 10)), int(query.get("page", 1))
        rows = found[(page - 1) * size : page * size]
        pages = -(-len(found) // size) or 1
        following = f"{self.url}{path}?page={page + 1}&page_size={size}" if page < pages else None
        return 200, {
            "results": rows,
            "pagination": {"next": following, "previous": None, "count": len(found), "num_pages": pages},
        }

    def _members(self, key, query):
        if key not in self.campus.pathways:
            return 404, {"detail": "No LearningPath matches the given query."}
        members = self.campus.members[key]
        asked = [query["username"]] if "username" in query else members
        ids = [self.campus.accounts[name]["id"] for name in asked if name in members]
        return 200, [
            {"user": pk, "learning_path": 1, "is_active": True, "created": "2026-01-10T00:00:00Z"} for pk in ids
        ]

    def _cursor(self, path, query, rows, most=None):
        size = int(query.get("page_size", 25))
        size = min(size, most) if most else size
        start = int(base64.urlsafe_b64decode(query["cursor"]).decode()[2:]) if "cursor" in query else 0
        following = None
        if start + size < len(rows):
            cursor = base64.urlsafe_b64encode(f"p={start + size}".encode()).decode()
            following = f"{self.url}{path}?{urlencode(query | {'cursor': cursor, 'page_size': size})}"
        return {"next": following, "previous": None, "results": rows[start : start + size]}


@contextmanager
def serving(campus, port=0):
    """The campus, served until the block ends."""
    server = Server(campus, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", type=int, default=0, help="invented ones; 0: the recorded courses")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    campus = generated(options.learners) if options.learners else recorded()
    with serving(campus, options.port) as server:
        sys.stdout.write(json.dumps({"rest": server.settings()}) + "\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
