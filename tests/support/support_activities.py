"""Activity files as devices and programs write them: FIT by fit_tool, the others as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fit_tool.fit_file_builder import FitFileBuilder
from fit_tool.profile.messages.activity_message import ActivityMessage
from fit_tool.profile.messages.file_id_message import FileIdMessage
from fit_tool.profile.messages.record_message import RecordMessage
from fit_tool.profile.messages.session_message import SessionMessage
from fit_tool.profile.profile_type import FileType, Manufacturer, Sport

START = datetime(2025, 11, 3, 10, 0, tzinfo=UTC)


def fit_file(start: datetime = START, *, minutes: int = 30, sessions: int = 1) -> bytes:
    """A run at ten kilometres an hour; with several sessions, one after the other."""
    builder = FitFileBuilder(auto_define=True, min_string_size=50)
    head = FileIdMessage()
    head.type = FileType.ACTIVITY
    head.manufacturer = Manufacturer.DEVELOPMENT.value
    head.product = 1
    head.serial_number = 4711
    head.time_created = round(start.timestamp() * 1000)
    builder.add(head)
    for number in range(sessions):
        begin = start + timedelta(minutes=minutes * number)
        for minute in range(minutes):
            at = RecordMessage()
            at.timestamp = round((begin + timedelta(minutes=minute)).timestamp() * 1000)
            at.heart_rate = 130 + minute % 20
            at.distance = minute * 1000 / 6
            builder.add(at)
        session = SessionMessage()
        session.start_time = round(begin.timestamp() * 1000)
        session.timestamp = round((begin + timedelta(minutes=minutes)).timestamp() * 1000)
        session.sport = Sport.RUNNING
        session.total_elapsed_time = minutes * 60.0
        session.total_timer_time = minutes * 60.0 - 30
        session.total_distance = minutes * 1000 / 6
        session.avg_heart_rate = 141
        session.max_heart_rate = 167
        session.total_calories = 320
        session.total_ascent = 42
        builder.add(session)
    whole = ActivityMessage()
    whole.timestamp = round((start + timedelta(minutes=minutes * sessions)).timestamp() * 1000)
    whole.num_sessions = sessions
    builder.add(whole)
    return bytes(builder.build().to_bytes())


def gpx_file(start: datetime = START, *, points: int = 61, step_seconds: int = 30) -> bytes:
    """Northwards, about 14 m each step, up and down a hill, with a pulse at each point."""
    rows = "".join(
        f'<trkpt lat="{-34.60 + i * 0.000125:.6f}" lon="-58.38">'
        f"<ele>{20 + 30 * (1 - abs(i - points // 2) / (points // 2)):.1f}</ele>"
        f"<time>{(start + timedelta(seconds=i * step_seconds)).strftime('%Y-%m-%dT%H:%M:%SZ')}</time>"
        "<extensions><gpxtpx:TrackPointExtension>"
        f"<gpxtpx:hr>{120 + i % 30}</gpxtpx:hr></gpxtpx:TrackPointExtension></extensions></trkpt>"
        for i in range(points)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<gpx version="1.1" creator="test" xmlns="http://www.topografix.com/GPX/1/1"'
        ' xmlns:gpxtpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v1">'
        f"<trk><name>Vuelta</name><type>cycling</type><trkseg>{rows}</trkseg></trk></gpx>"
    ).encode()


def tcx_file(start: datetime = START) -> bytes:
    """Two laps of twenty and ten minutes."""
    text = start.strftime("%Y-%m-%dT%H:%M:%SZ")
    later = (start + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    last = (start + timedelta(minutes=31)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<?xml version="1.0"?>
<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">
<Activities><Activity Sport="Running"><Id>{text}</Id>
<Lap StartTime="{text}"><TotalTimeSeconds>1200.0</TotalTimeSeconds><DistanceMeters>4000</DistanceMeters>
<Calories>250</Calories><AverageHeartRateBpm><Value>140</Value></AverageHeartRateBpm>
<MaximumHeartRateBpm><Value>160</Value></MaximumHeartRateBpm>
<Track><Trackpoint><Time>{text}</Time><AltitudeMeters>10</AltitudeMeters></Trackpoint>
<Trackpoint><Time>{later}</Time><AltitudeMeters>40</AltitudeMeters></Trackpoint></Track></Lap>
<Lap StartTime="{later}"><TotalTimeSeconds>600.0</TotalTimeSeconds><DistanceMeters>1500</DistanceMeters>
<Calories>90</Calories><AverageHeartRateBpm><Value>155</Value></AverageHeartRateBpm>
<MaximumHeartRateBpm><Value>171</Value></MaximumHeartRateBpm>
<Track><Trackpoint><Time>{last}</Time></Trackpoint></Track></Lap>
</Activity></Activities></TrainingCenterDatabase>""".encode()


CSV = (
    "Inicio;Deporte;Duración (min);Distancia (km);Pulso medio;kcal\n"
    "03/11/2025 07:30;Correr;30;5,2;141;320\n"
    "2025-11-05T19:00;Bici;60,5;20;;\n"
).encode()
