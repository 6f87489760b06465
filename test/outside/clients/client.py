"""Five calls with the package that openapi-python-client makes of the API document, see python-client.ts."""

import sys

from core_api_client import AuthenticatedClient, Client
from core_api_client.api.auth import sign_in
from core_api_client.api.devices import create_device, get_device, list_devices
from core_api_client.api.monitoring import create_alert_rule
from core_api_client.models import (
    AlertCondition,
    AlertRuleScope,
    AlertSeverity,
    CreatedDevice,
    DevicePage,
    Login,
    NewAlertRule,
    NewDevice,
    Problem,
    Tokens,
)

base_url, email, password = sys.argv[1:]

tokens = sign_in.sync(client=Client(base_url), body=Login(email=email, password=password))
assert isinstance(tokens, Tokens), tokens
api = AuthenticatedClient(base_url, token=tokens.access_token)

created = create_device.sync(client=api, body=NewDevice(name="Greenhouse 7", device_type="sensor"))
assert isinstance(created, CreatedDevice), created

# Nothing with a default is needed.
page = list_devices.sync(client=api)
assert isinstance(page, DevicePage) and [device.id for device in page.items] == [created.id], page

rule = create_alert_rule.sync(
    client=api,
    body=NewAlertRule(
        name="Too hot",
        metric="temperature",
        condition=AlertCondition.GT,
        threshold=30,
        severity=AlertSeverity.WARNING,
        scope=AlertRuleScope(device_id=created.id),
    ),
)
assert rule.severity is AlertSeverity.WARNING and rule.threshold == 30, rule

missing = get_device.sync(2_000_000, client=api)
assert isinstance(missing, Problem) and missing.code == "device_not_found", missing

print("5 calls, and a problem by its code")
