"""Calendars: which time steps follow, by an exchange's sessions, by the week of the data, or regularly."""

from tsrnn.data.calendars.following import following_sessions as following_sessions
from tsrnn.data.calendars.following import forecast_sessions as forecast_sessions
from tsrnn.data.calendars.following import open_steps as open_steps
from tsrnn.data.calendars.names import check_calendar as check_calendar
from tsrnn.data.calendars.names import detect_calendar as detect_calendar
