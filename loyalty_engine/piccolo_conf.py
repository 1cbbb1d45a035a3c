"""Where Piccolo finds us: the bridge as its engine, and the one app whose migrations are ours."""

from __future__ import annotations

from piccolo.conf.apps import AppRegistry

from loyalty_engine.database.bridge import Bridge

DB = Bridge()
APP_REGISTRY = AppRegistry(apps=["loyalty_engine.piccolo_app"])
