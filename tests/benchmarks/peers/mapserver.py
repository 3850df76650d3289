"""MapServer's OGC API Features: two FastCGI processes behind nginx, both from Debian packages."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.questions import Question
from peers.servers import PROCESSES, Started, Unavailable
from peers.table import CELL, COLUMNS, IDENTIFIER, ORIGIN, ROWS, SCHEMA, TABLE
from psycopg.conninfo import conninfo_to_dict

from providers.grids import TileAddress

MAP = """\
MAP
  NAME bench
  EXTENT {west} {south} {east} {north}
  UNITS DD
  PROJECTION "init=epsg:4326" END
  WEB METADATA
    "oga_title" "bench"
    "oga_enable_request" "*"
    "oga_onlineresource" "http://127.0.0.1:{port}/bench/ogcapi"
    "oga_max_limit" "10000"
  END END
  OUTPUTFORMAT
    NAME "mvt"
    DRIVER "MVT"
    FORMATOPTION "EXTENT=4096"
    FORMATOPTION "EDGE_BUFFER=64"
  END
  LAYER
    NAME drawn
    TYPE POLYGON
    STATUS ON
    PROJECTION "init=epsg:4326" END
    CONNECTIONTYPE POSTGIS
    CONNECTION "{connection}"
    DATA "geom FROM {schema}.{table} USING UNIQUE gid USING SRID=4326"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    METADATA "gml_include_items" "{identifier}" END
  END
  LAYER
    NAME {table}
    TYPE POLYGON
    STATUS ON
    CONNECTIONTYPE POSTGIS
    CONNECTION "{connection}"
    DATA "geom FROM {schema}.{table} USING UNIQUE gid USING SRID=4326"
    PROCESSING "CLOSE_CONNECTION=DEFER"
    TEMPLATE "void"
    METADATA
      "oga_title" "parcels"
      "oga_enable_request" "*"
      "oga_featureid" "gid"
      "gml_include_items" "all"
      "oga_geometry_precision" "9"
    END
  END
END
"""
CONFIG = """\
CONFIG
  ENV
    "OGCAPI_HTML_TEMPLATE_DIRECTORY" "{templates}"
    "MS_MAP_NO_PATH" "1"
  END
  MAPS
    "bench" "{map}"
  END
END
"""
NGINX = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log error;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi;
  proxy_temp_path {folder}/proxy; scgi_temp_path {folder}/scgi; uwsgi_temp_path {folder}/uwsgi;
  upstream maps {{ server unix:{folder}/maps.sock; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port}; keepalive_requests 1000000;
    location / {{
      fastcgi_pass maps; fastcgi_keep_conn off; fastcgi_buffering on; fastcgi_buffers 64 64k;
      fastcgi_buffer_size 64k; fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param QUERY_STRING $query_string; fastcgi_param PATH_INFO $uri;
      fastcgi_param SCRIPT_NAME ""; fastcgi_param SERVER_NAME 127.0.0.1;
      fastcgi_param SERVER_PORT {port}; fastcgi_param HTTP_HOST $http_host;
    }}
  }}
}}
"""
PROGRAMS = {"mapserv": "cgi-mapserver", "spawn-fcgi": "spawn-fcgi", "nginx": "nginx-light"}


@dataclass(frozen=True, slots=True)
class MapServer:
    """As the distribution packages it; without its packages it is left out."""

    name: str = "mapserver"

    @property
    def title(self) -> str:
        program = shutil.which("mapserv")
        if program is None:
            return "MapServer"
        said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout
        return " ".join(said.split()[:3]).replace(" version", "")

    def start(self, folder: Path, url: str, port: int) -> Started:
        lacking = [
            package for program, package in PROGRAMS.items() if shutil.which(program) is None
        ]
        if lacking:
            raise Unavailable(f"not installed: {', '.join(lacking)}")
        told = conninfo_to_dict(url)
        west, south = ORIGIN
        text = MAP.format(
            west=west,
            south=south,
            east=west + COLUMNS * CELL[0],
            north=south + ROWS * CELL[1],
            port=port,
            table=TABLE,
            schema=SCHEMA,
            identifier=IDENTIFIER,
            connection=" ".join(f"{k}={told[k]}" for k in ("host", "port", "user", "dbname")),
        )
        (folder / "bench.map").write_text(text, "utf-8")
        (folder / "templates").mkdir(exist_ok=True)
        config = CONFIG.format(templates=folder / "templates", map=folder / "bench.map")
        (folder / "mapserver.conf").write_text(config, "utf-8")
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port), "utf-8")
        # both stay children of this shell: ended with it
        script = (
            f"spawn-fcgi -n -s {folder}/maps.sock -M 666 -F {PROCESSES} -- $(command -v mapserv) &"
            f" nginx -c {folder}/nginx.conf -e {folder}/error.log & wait"
        )
        return Started(
            command=["/bin/sh", "-c", script],
            folder=folder,
            environ={"MAPSERVER_CONFIG_FILE": str(folder / "mapserver.conf")},
        )

    def addresses(self, question: Question) -> list[str]:
        if question.code is not None or question.depth:
            return []  # its OGC API filters by place only, and begins every page at the first row
        asked = {"f": "json"}
        return question.at(f"/bench/ogcapi/collections/{TABLE}/items", asked)

    def tiles(self, places: Sequence[TileAddress]) -> list[str]:
        asked = "/?map=bench&mode=tile&tilemode=gmap&layers=drawn&map.imagetype=mvt&tile="
        return [f"{asked}{p.column}+{p.row}+{p.level}" for p in places]
