import protobuf from "protobufjs";

/*
 * opentelemetry-proto 1.9, the messages of a logs export, field by field. Texts of values are read as bytes, which are
 * the same on the wire: the library takes UTF-8 that is none, and a collector does not.
 */
const PROTO = `
syntax = "proto3";
package otlp;
message ExportLogsServiceRequest { repeated ResourceLogs resourceLogs = 1; }
message ExportLogsServiceResponse { ExportLogsPartialSuccess partialSuccess = 1; }
message ExportLogsPartialSuccess { int64 rejectedLogRecords = 1; string errorMessage = 2; }
message ResourceLogs { Resource resource = 1; repeated ScopeLogs scopeLogs = 2; string schemaUrl = 3; }
message Resource { repeated KeyValue attributes = 1; uint32 droppedAttributesCount = 2; }
message ScopeLogs { InstrumentationScope scope = 1; repeated LogRecord logRecords = 2; string schemaUrl = 3; }
message InstrumentationScope {
  string name = 1;
  string version = 2;
  repeated KeyValue attributes = 3;
  uint32 droppedAttributesCount = 4;
}
message LogRecord {
  reserved 4;
  fixed64 timeUnixNano = 1;
  int32 severityNumber = 2;
  string severityText = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  uint32 droppedAttributesCount = 7;
  fixed32 flags = 8;
  bytes traceId = 9;
  bytes spanId = 10;
  fixed64 observedTimeUnixNano = 11;
  string eventName = 12;
}
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value {
    bytes stringValue = 1;
    bool boolValue = 2;
    int64 intValue = 3;
    double doubleValue = 4;
    bytes arrayValue = 5;
    bytes kvlistValue = 6;
    bytes bytesValue = 7;
  }
}`;

const { root } = protobuf.parse(PROTO);
const REQUEST = root.lookupType("otlp.ExportLogsServiceRequest");
const RESPONSE = root.lookupType("otlp.ExportLogsServiceResponse");

/** A request in the shape of OTLP's JSON, but that texts of values are bytes. Throws on bytes that are no request. */
export function decodeProtobufRequest(bytes: Uint8Array): unknown {
  return REQUEST.toObject(REQUEST.decode(bytes), { longs: String });
}

/** The answer of a collector that has rejected records. */
export function encodePartialSuccess(rejectedLogRecords: number): Uint8Array {
  const partialSuccess = { rejectedLogRecords, errorMessage: "no" };
  return RESPONSE.encode(RESPONSE.fromObject({ partialSuccess })).finish();
}
