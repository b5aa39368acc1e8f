"""The pages as a FastAPI application below `/nightjar`.

Airflow authenticates nothing in a plugin's application by itself: every route here asks for a user first, and for the
right to read the domain's DAG. Nothing is changed from here; buttons start DAGs by Airflow's own API.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException as AnyHTTPException

from nightjar_airflow.web import pages
from spark_jobs.contracts.dag_catalog import NIGHT_DAG, ROLLBACK_DAG
from spark_jobs.contracts.domain import Domain, DomainFileError, domain_files, find_domain, load_domain
from spark_jobs.contracts.errors import NightjarError
from spark_jobs.contracts.settings import load_settings

STATIC = Path(__file__).parent / "static"
WRITTEN = ("data_docs", "reports")
WRITTEN_PAGES = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'self'; sandbox"
"""Pages of other libraries, with people's values in them: styled, and nothing in them runs."""
TYPES = {".css": "text/css", ".js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}


PREFIX = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
"""Path that a proxy serves Airflow below."""
pages.served_below(PREFIX)


def signed_in(user: GetUserDep) -> Any:
    """Who asks; 401 for nobody."""
    return user


app = FastAPI(title="Nightjar", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(signed_in)])


def may_read(user: Any, domain: Domain) -> bool:
    """Whether the user may read the domain's nights."""
    return _may(user, "GET", NIGHT_DAG.dag_id(domain))


def may_roll_back(user: Any, domain: Domain) -> bool:
    """Whether the user may start the DAG that puts a release back."""
    return _may(user, "POST", ROLLBACK_DAG.dag_id(domain), DagAccessEntity.RUN)


def _may(user: Any, method: ResourceMethod, dag_id: str, what: DagAccessEntity | None = None) -> bool:
    manager = get_auth_manager()
    return bool(manager.is_authorized_dag(method=method, access_entity=what, details=DagDetails(id=dag_id), user=user))


def readable(domain: str, user: GetUserDep) -> Domain:
    """The domain of the path, which the user may read: 403 where not, 404 where there is none."""
    try:
        found = find_domain(load_settings().conf_dir, domain)
    except DomainFileError as error:
        raise HTTPException(404, str(error)) from None
    if not may_read(user, found):
        raise HTTPException(403, f"You may not read the nights of {domain}.")
    return found


ReadableDomain = Annotated[Domain, Depends(readable)]


@app.middleware("http")
async def with_headers(request: Request, call_next: Any) -> Response:
    """What browsers are told of every answer."""
    response: Response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response


@app.exception_handler(AnyHTTPException)
async def refused(request: Request, error: AnyHTTPException) -> Response:
    """Nobody is sent to the login; others read why."""
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(f"{PREFIX}/auth/login?next={quote(request.url.path)}")
    return HTMLResponse(pages.message(str(error.detail)), status_code=error.status_code)


@app.exception_handler(NightjarError)
async def foreseen(request: Request, error: NightjarError) -> Response:
    """What can't be shown says why, in one sentence."""
    return HTMLResponse(pages.message(str(error)), status_code=404)


@app.get("/", response_class=HTMLResponse)
def overview(user: GetUserDep) -> str:
    """Every domain that the user may read."""
    settings, domains, broken = load_settings(), [], {}
    for path in domain_files(settings.conf_dir):
        try:
            domains.append(load_domain(path))
        except DomainFileError as error:
            broken[path.name] = str(error)
    return pages.overview(settings, [domain for domain in domains if may_read(user, domain)], broken)


@app.get("/domain/{domain}", response_class=HTMLResponse)
def domain_page(domain: ReadableDomain, user: GetUserDep) -> str:
    """One domain: nights, quality, drift, sources, costs, quarantine, releases and models."""
    return pages.domain(load_settings(), domain, may_roll_back=may_roll_back(user, domain))


@app.get("/dag/{dag_id}", response_class=HTMLResponse)
def dag_page(dag_id: str, user: GetUserDep) -> Response:
    """The page of the domain that a DAG is of."""
    for path in domain_files(load_settings().conf_dir):
        name = path.stem
        if dag_id.endswith(f"_{name.replace('-', '_')}"):
            return HTMLResponse(domain_page(readable(name, user), user))
    return HTMLResponse(pages.message(f"{dag_id} is no DAG of Nightjar's."))


@app.get("/domain/{domain}/user", response_class=HTMLResponse)
def user_page(domain: ReadableDomain, user_id: Annotated[str, Query(alias="user", max_length=1000)] = "") -> str:
    """One user: history, list with reasons, and what happened since."""
    return pages.user(load_settings(), domain, user_id)


@app.get("/domain/{domain}/{kind}/{path:path}")
def written_page(domain: ReadableDomain, kind: str, path: str) -> Response:
    """A page that a night wrote: what the gates found (`data_docs`), and the reports of trainings (`reports`)."""
    folder = (load_settings().home / kind / domain.domain).resolve()
    file = (folder / path).resolve()
    if kind not in WRITTEN or not file.is_relative_to(folder) or not file.is_file():
        raise HTTPException(404, f"{domain.domain} has no {kind} page {path}: the night that writes it has not run.")
    return FileResponse(file, headers={"Content-Security-Policy": WRITTEN_PAGES})


@app.get("/static/{name}")
def static(name: str) -> Response:
    """Style and script; nothing is fetched from elsewhere."""
    path = STATIC / name
    if path.parent != STATIC or path.suffix not in TYPES or not path.is_file():
        raise HTTPException(404, "There is no such file.")
    return FileResponse(path, media_type=TYPES[path.suffix])
