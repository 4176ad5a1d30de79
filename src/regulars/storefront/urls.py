"""The addresses under /my/: all of them carry something signed, but the first."""

from django.urls import path

from regulars.storefront import coupons, slots, tracking, views

app_name = "storefront"
urlpatterns = [
    path("", views.entry, name="entry"),
    path("l/<str:token>/", tracking.link, name="link"),
    path("slot/<str:key>/", slots.slot, name="slot"),
    path("o/<str:token>.gif", tracking.opening, name="opening"),
    path("<str:token>/", views.preferences, name="preferences"),
    path("<str:token>/requests/", views.requests, name="requests"),
    path("<str:token>/unsubscribe/", views.unsubscribe, name="unsubscribe"),
    path("<str:token>/unsubscribe/undo/", views.undo, name="undo"),
    path("<str:token>/confirm/", views.confirm, name="confirm"),
    path("<str:token>/coupon/", coupons.coupon, name="coupon"),
    path("<str:token>/request/", views.request_confirmation, name="request"),
]
