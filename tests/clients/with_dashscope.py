"""One clip by the client `dashscope`: run with {base, key, model, input, into} as JSON."""

import json
import sys
from pathlib import Path
from urllib.request import urlopen

import dashscope
from dashscope import VideoSynthesis

given = json.loads(sys.argv[1])
dashscope.base_http_api_url = given["base"] + "/api/v1"
dashscope.api_key = given["key"]
task = VideoSynthesis.async_call(given["model"], **given["input"])
assert task.status_code == 200, task
done = VideoSynthesis.wait(task)
assert done.output.task_status == "SUCCEEDED", done
with urlopen(done.output.video_url) as clip:  # noqa: S310 -- the client gives a URL, and doesn't fetch it
    Path(given["into"]).write_bytes(clip.read())
