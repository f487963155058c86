"""Every name that telemetry carries: span names, attributes, metrics.

Law: strings only, and no telemetry name is spelled anywhere else, so that a query written against one service holds for
all of them and a convention that changes its mind is changed in one line. Standard names follow the OpenTelemetry
semantic conventions (RPC release candidate, GenAI, database); names of our own begin with `batos.`.

Attributes marked *content* may hold what senders and models wrote. They are set only where `Telemetry.content` is true.
"""

from typing import Final

# --- Failures, on any span -------------------------------------------------------------------------------------------
ERROR_TYPE: Final = "error.type"
# The value of error.type where a span ended because someone cancelled it: no failure, so the span's status stays unset.
ERROR_TYPE_CANCELLED: Final = "cancelled"
# The stable reason of a known failure (ErrorInfo.reason), for example OBJECT_NOT_FOUND.
ERROR_REASON: Final = "batos.error.reason"
# The id that an unknown failure carries to the caller, the log and the span.
ERROR_ID: Final = "batos.error.id"

# --- RPC (span name: `package.Service/Method`) -----------------------------------------------------------------------
RPC_SYSTEM_NAME: Final = "rpc.system.name"
RPC_SYSTEM_GRPC: Final = "grpc"
RPC_METHOD: Final = "rpc.method"
RPC_STATUS_CODE: Final = "rpc.response.status_code"  # the convention is in flux: this line alone follows it
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

# --- GenAI: one `chat {model}` span for each turn of a persona -------------------------------------------------------
SPAN_CHAT: Final = "chat {model}"  # SPAN_CHAT.format(model=...)
GEN_AI_OPERATION_NAME: Final = "gen_ai.operation.name"
GEN_AI_OPERATION_CHAT: Final = "chat"
GEN_AI_PROVIDER_NAME: Final = "gen_ai.provider.name"
GEN_AI_PROVIDER_OPEN: Final = "openai-compatible"  # who serves the model is the operator's matter
GEN_AI_REQUEST_MODEL: Final = "gen_ai.request.model"
GEN_AI_REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
GEN_AI_REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
GEN_AI_REQUEST_TOP_P: Final = "gen_ai.request.top_p"
GEN_AI_REQUEST_SEED: Final = "gen_ai.request.seed"
GEN_AI_REQUEST_STREAM: Final = "gen_ai.request.stream"
GEN_AI_RESPONSE_ID: Final = "gen_ai.response.id"
GEN_AI_RESPONSE_MODEL: Final = "gen_ai.response.model"
GEN_AI_RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
GEN_AI_USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
GEN_AI_USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
GEN_AI_AGENT_NAME: Final = "gen_ai.agent.name"
GEN_AI_INPUT_MESSAGES: Final = "gen_ai.input.messages"  # content
GEN_AI_OUTPUT_MESSAGES: Final = "gen_ai.output.messages"  # content
GEN_AI_SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"  # content

# --- etcd: one span for each request that waits on the store ---------------------------------------------------------
SPAN_ETCD_TXN: Final = "Txn"
SPAN_ETCD_RANGE: Final = "Range"
SPAN_ETCD_LEASE: Final = "Lease"
DB_SYSTEM_NAME: Final = "db.system.name"
DB_SYSTEM_ETCD: Final = "etcd"
DB_OPERATION_NAME: Final = "db.operation.name"
DB_OPERATION_BATCH_SIZE: Final = "db.operation.batch.size"
DB_RESPONSE_RETURNED_ROWS: Final = "db.response.returned_rows"
DB_RESPONSE_STATUS_CODE: Final = "db.response.status_code"

# --- The road of one message, in its order ---------------------------------------------------------------------------
SPAN_LOOKUP: Final = "lookup"
SPAN_SYNTHESIZE: Final = "synthesize"
SPAN_PANEL: Final = "panel"
SPAN_AUDIT: Final = "audit"
SPAN_TRIAL: Final = "trial"
SPAN_REGISTER: Final = "register"
SPAN_ACTIVATE: Final = "activate"
SPAN_COMMIT: Final = "commit"

# The message
NAMESPACE: Final = "batos.namespace"
OBJECT_ID: Final = "batos.object.id"
SELECTOR: Final = "batos.selector"
PRINCIPAL: Final = "batos.principal"
REQUEST_ID: Final = "batos.request.id"
CONSISTENCY: Final = "batos.consistency"
UNDERSTOOD: Final = "batos.understood"
ATTEMPT: Final = "batos.attempt"  # 1 for the first run of the root, one more after each conflict
INTENT: Final = "batos.intent"  # content
ARGUMENTS: Final = "batos.arguments"  # content
RESULT: Final = "batos.result"  # content

# Where its method was found
HOLDER: Final = "batos.holder"
PATH_LENGTH: Final = "batos.path.length"
METHOD_VERSION: Final = "batos.method.version"
METHOD_DIGEST: Final = "batos.method.digest"
METHOD_SOURCE: Final = "batos.method.source"  # content
EVIDENCE: Final = "batos.evidence"  # E0 to E4

# How it was written
SYNTHESIS_ID: Final = "batos.synthesis.id"
SYNTHESIS_OUTCOME: Final = "batos.synthesis.outcome"
FLIGHT_JOINED: Final = "batos.flight.joined"  # another's synthesis was waited for; the span links to it
PERSONA: Final = "batos.persona"
ENDPOINT: Final = "batos.endpoint"  # the name of the persona endpoint that answered, or was asked last
ENDPOINT_OUTCOME: Final = "batos.endpoint.outcome"  # answered, left (nobody waited), or the cause of a fault
ENDPOINT_ATTEMPTS: Final = "batos.endpoint.attempts"
ENDPOINT_BREAKER: Final = "batos.endpoint.breaker"  # the state it came into
DRAFT_INDEX: Final = "batos.draft.index"
DRAFT_COUNT: Final = "batos.draft.count"
REPAIR_ROUND: Final = "batos.repair.round"
EXAMPLE_COUNT: Final = "batos.example.count"
FINDING_RULE: Final = "batos.finding.rule"
FINDING_COUNT: Final = "batos.finding.count"
TRIAL_PASSED: Final = "batos.trial.passed"

# How it ran and what became durable
ACTIVATION_DEPTH: Final = "batos.activation.depth"  # 0 for the root
ACTIVATION_SENDS: Final = "batos.activation.sends"
BATCH_SIZE: Final = "batos.batch.size"
COMMIT_REVISION: Final = "batos.commit.revision"
COMMIT_READS: Final = "batos.commit.reads"
COMMIT_WRITES: Final = "batos.commit.writes"
COMMIT_CONFLICT: Final = "batos.commit.conflict"

# --- Metrics (durations in seconds) ----------------------------------------------------------------------------------
METRIC_RPC_SERVER_DURATION: Final = "rpc.server.call.duration"
METRIC_RPC_FRAME_REQUESTS: Final = "batos.rpc.frame.requests"
METRIC_DB_DURATION: Final = "db.client.operation.duration"
METRIC_DB_CONFLICTS: Final = "batos.store.conflicts"
METRIC_WATCHERS: Final = "batos.store.watchers"
METRIC_HUB_LAG: Final = "batos.store.hub.lag"
METRIC_MESSAGE_DURATION: Final = "batos.message.duration"
METRIC_FORWARDED_MESSAGES: Final = "batos.message.forwarded"
METRIC_QUEUED_MESSAGES: Final = "batos.message.queued"
METRIC_BATCH_MESSAGES: Final = "batos.batch.messages"
METRIC_ACTIVATIONS: Final = "batos.activations"
METRIC_CACHE_HITS: Final = "batos.cache.hits"
METRIC_CACHE_FETCHES: Final = "batos.cache.fetches"
METRIC_COMMIT_DURATION: Final = "batos.commit.duration"
METRIC_COMMIT_UNITS: Final = "batos.commit.units"
METRIC_COMMIT_CONFLICTS: Final = "batos.commit.conflicts"
METRIC_REPEATED_RUNS: Final = "batos.activation.repeated"
METRIC_SANDBOX_SECONDS: Final = "batos.sandbox.time"
METRIC_SANDBOX_WORKERS: Final = "batos.sandbox.workers"
METRIC_FLIGHTS: Final = "batos.flights"
METRIC_FLIGHTS_HELD: Final = "batos.flights.held"
METRIC_SYNTHESIS_DURATION: Final = "batos.synthesis.duration"
METRIC_TURN_TOKENS: Final = "batos.turn.tokens"
# How a flight came to be waited for here.
FLIGHT_BOARDING: Final = "batos.flight.boarding"
FLIGHT_BEGUN: Final = "begun"
FLIGHT_WAITED_FOR: Final = "joined"
FLIGHT_TAKEN_OVER: Final = "taken over"
# Whether tokens were read or written.
METRIC_SYNTHESES_REFUSED: Final = "batos.synthesis.refused"
# Why a synthesis was refused before anything was spent.
REFUSAL_CAUSE: Final = "batos.refusal.cause"
REFUSAL_FROZEN: Final = "frozen"
REFUSAL_SPELLING: Final = "spelling"
REFUSAL_SETBACK: Final = "setback"
REFUSAL_BUDGET: Final = "budget"
SPENT_KIND: Final = "gen_ai.token.type"
SPENT_INPUT: Final = "input"
SPENT_OUTPUT: Final = "output"
METRIC_ENDPOINT_REQUESTS: Final = "batos.endpoint.requests"
METRIC_ENDPOINT_DURATION: Final = "batos.endpoint.duration"
METRIC_ENDPOINT_TOKENS: Final = "batos.endpoint.tokens"
METRIC_ENDPOINT_BREAKER: Final = "batos.endpoint.breaker.changes"
METRIC_ENDPOINTS_LEFT_ALONE: Final = "batos.endpoint.left_alone"
# How an activation ran.
ACTIVATION_KIND: Final = "batos.activation.kind"
ACTIVATION_TOGETHER: Final = "together"
ACTIVATION_ALONE: Final = "alone"
