# A web application that logs through Celery tasks: each task sends one log until the daemon has acknowledged it.
import os
import uuid

import redis
import requests
from celery import Celery
from flask import Flask, jsonify

REDIS = os.environ["REDIS_URL"]
LOGS = os.environ["LOGS_URL"]

app = Flask(__name__)
celery = Celery("flask_celery_app", broker=REDIS)
celery.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
seen = redis.Redis.from_url(REDIS, decode_responses=True)


@app.post("/orders/<int:count>")
def orders(count):
    for _ in range(count):
        name = str(uuid.uuid4())
        ship.delay({"log_group": "/apps/orders", "log_stream": "web", "log_message": name, "level": "INFO"}, name)
    return jsonify(queued=count), 202


@celery.task(bind=True, max_retries=None)
def ship(self, log, key):
    try:
        response = requests.post(LOGS, json=log, headers={"Idempotency-Key": key}, timeout=10)
    except requests.ConnectionError as error:
        # Refused: the daemon did not get it. Anything else may have arrived without a response.
        if "refused" not in str(error) and not seen.sismember("acknowledged", key):
            seen.sadd("unsure", key)
        raise self.retry(exc=error, countdown=0.5)
    except requests.RequestException as error:
        if not seen.sismember("acknowledged", key):
            seen.sadd("unsure", key)
        raise self.retry(exc=error, countdown=0.5)
    if response.status_code in (409, 429, 502, 503, 504):
        raise self.retry(countdown=0.5)
    response.raise_for_status()
    # A redelivered task sends what was acknowledged again.
    if seen.sadd("acknowledged", key) == 1:
        raise self.retry(countdown=0.5)
    seen.sadd("done", key)
