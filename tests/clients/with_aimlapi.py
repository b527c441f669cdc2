"""One clip by the client `aimlapi-sdk-python`: run with {base, key, model, input, into} as JSON."""

import json
import sys
from pathlib import Path

from aimlapi import AIMLAPI

given = json.loads(sys.argv[1])
client = AIMLAPI(api_key=given["key"], base_url=given["base"] + "/v1", max_retries=0)
clip = client.videos.generate_with_polling(
    model=given["model"], **given["input"], poll_interval=0.05, poll_timeout=30, return_bytes=True
)
Path(given["into"]).write_bytes(clip)
