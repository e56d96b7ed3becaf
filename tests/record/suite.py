"""A suite as a user writes it: OpenTelemetry's own SDK and exporter, a case at a time.

`python suite.py CASES [--exit CODE] [--signal N] [--gzip] [--prompt TEXT] [--log-records]`
"""

from __future__ import annotations

import argparse
import logging
import os
from typing import Any

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


class Case(SpanProcessor):
    """The case of the moment, on every span."""

    def on_start(self, span: Span, parent_context: Any = None) -> None:
        if case := os.environ.get("TOKMAN_CASE"):
            span.set_attribute("tokman.case", case)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here; older SDKs flush no further where this is not said."""
        return True


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("cases", nargs="*")
    asked.add_argument("--exit", type=int, default=0)
    asked.add_argument("--signal", type=int, default=0)
    asked.add_argument("--gzip", action="store_true")
    asked.add_argument("--prompt", default="")
    asked.add_argument("--log-records", action="store_true")
    given = asked.parse_args()
    packed = Compression.Gzip if given.gzip else Compression.NoCompression
    traces = TracerProvider()
    traces.add_span_processor(Case())
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(compression=packed)))
    tracer = traces.get_tracer("suite")
    for number, case in enumerate(given.cases or [None], 1):
        if case is not None:
            os.environ["TOKMAN_CASE"] = case
        with tracer.start_as_current_span("chat gpt-5.5") as span:
            span.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-5.5",
                    "gen_ai.usage.input_tokens": 1000 * number,
                    "gen_ai.usage.output_tokens": 50,
                    "gen_ai.response.finish_reasons": ["stop"],
                }
            )
            if given.prompt:
                span.set_attribute("gen_ai.input.messages", given.prompt)
                span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": given.prompt})
    traces.force_flush()
    if given.log_records:
        logs = LoggerProvider()
        logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
        logger = logging.getLogger("suite")
        logger.addHandler(LoggingHandler(logger_provider=logs))
        logger.warning(given.prompt or "a line of a program's log")
        logs.shutdown()
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        meters = MeterProvider([reader])
        meters.get_meter("suite").create_counter("gen_ai.client.token.usage").add(5)
        meters.shutdown()
    if given.signal:
        os.kill(os.getpid(), given.signal)
    traces.shutdown()
    raise SystemExit(given.exit)


if __name__ == "__main__":
    main()
