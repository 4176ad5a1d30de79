"""The console's pages."""

from django.urls import URLPattern, URLResolver, path

from regulars.console import (
    account,
    actions,
    audit,
    customer,
    customers,
    keys,
    preferences,
    settings,
    team,
    thresholds,
    today,
)

app_name = "console"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", today.today, name="today"),
    path("today/<slug:name>.csv", today.today_data, name="today-data"),
    path("actions/", actions.action_list, name="actions"),
    path("actions/export/", actions.export_actions, name="actions-export"),
    path("actions/assignments/", actions.assign, name="actions-assign"),
    path("actions/closings/", actions.close, name="actions-close"),
    path("actions/reopenings/", actions.reopen, name="actions-reopen"),
    path("customers/", customers.customers, name="customers"),
    path("customers/export/", customers.export_customers, name="customers-export"),
    path("customers/views/", customers.keep_view, name="customers-keep-view"),
    path("customers/views/<int:view_id>/removal/", customers.remove_view, name="customers-remove-view"),
    path("customers/<int:customer_id>/", customer.customer, name="customer"),
    path("customers/<int:customer_id>/story/", customer.story, name="customer-story"),
    path("customers/<int:customer_id>/orders/<int:order_id>/", customer.order, name="customer-order"),
    path("customers/<int:customer_id>/purchases/", customer.purchases, name="customer-purchases"),
    path("customers/<int:customer_id>/months.csv", customer.months, name="customer-months"),
    path("account/", account.account, name="account"),
    path("settings/", settings.index, name="settings"),
    path("settings/business/", settings.business, name="settings-business"),
    path("settings/labels/", thresholds.thresholds, name="settings-thresholds"),
    path("settings/labels/preview/", thresholds.preview, name="settings-thresholds-preview"),
    path("settings/team/", team.team, name="settings-team"),
    path("settings/team/<int:person_id>/role/", team.role, name="settings-team-role"),
    path("settings/team/<int:person_id>/invitation/", team.invitation, name="settings-team-invitation"),
    path("settings/team/<int:person_id>/deactivation/", team.deactivation, name="settings-team-deactivation"),
    path("settings/team/<int:person_id>/reactivation/", team.reactivation, name="settings-team-reactivation"),
    path("settings/keys/", keys.keys, name="settings-keys"),
    path("settings/keys/<int:key_id>/revocation/", keys.revocation, name="settings-keys-revocation"),
    path("settings/audit/", audit.audit, name="settings-audit"),
    path("preferences/theme/", preferences.theme, name="theme"),
    path("preferences/language/", preferences.language, name="language"),
]
