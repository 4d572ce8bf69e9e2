"""Clients that hold their thread until a store, or a model behind an API, answers.

Each of them has another class, or another library beside it, for code that awaits: ``AsyncSession``, ``redis.asyncio``,
``AsyncOpenAI``.
"""

from __future__ import annotations

from typing import Final
from typing import Literal as L

Waits = L["query", "answer"]


def _of(kind: Waits, roots: str, methods: str) -> dict[str, tuple[frozenset[str], Waits]]:
    return {root: (frozenset(methods.split()), kind) for root in roots.split()}


_CLIENTS: Final[dict[str, tuple[frozenset[str], Waits]]] = {
    **_of(
        "query",
        "sqlalchemy.orm.Session() sqlalchemy.orm.session.Session() sqlmodel.Session()",
        "execute exec scalar scalars commit flush refresh get first all one one_or_none count delete update",
    ),
    **_of(
        "query",
        "psycopg2 psycopg pymysql MySQLdb mysql.connector snowflake.connector",
        "connect execute executemany commit fetchall fetchone",
    ),
    **_of(
        "query",
        "redis.Redis() redis.StrictRedis() redis.from_url() redis.Redis.from_url()",
        "get set setex setnx mget mset hget hset hgetall hmget hincrby incr incrby decr delete exists expire"
        " lpush rpush lrange llen sadd smembers zadd zrange zrangebyscore keys ping publish xadd execute",
    ),
    **_of(
        "query",
        "pymongo.MongoClient()",
        "find_one insert_one insert_many update_one update_many delete_one delete_many replace_one aggregate"
        " count_documents find_one_and_update command",
    ),
    **_of(
        "query",
        "google.cloud.storage.Client()",
        "download_to_filename download_as_bytes download_as_text download_as_string upload_from_string"
        " upload_from_filename upload_from_file",
    ),
    **_of(
        "query",
        "minio.Minio()",
        "fget_object get_object put_object fput_object stat_object bucket_exists make_bucket",
    ),
    **_of("query", "kafka.KafkaProducer() confluent_kafka.Producer()", "flush"),
    **_of(
        "answer",
        "openai.OpenAI() openai.AzureOpenAI() anthropic.Anthropic() groq.Groq() cohere.Client() cohere.ClientV2()"
        " mistralai.Mistral() google.generativeai.GenerativeModel() ollama ollama.Client()"
        " langchain_openai.ChatOpenAI() langchain_openai.AzureChatOpenAI() langchain_groq.ChatGroq()"
        " langchain_anthropic.ChatAnthropic()"
        " langchain_google_genai.ChatGoogleGenerativeAI() langchain_ollama.ChatOllama()",
        "create parse generate invoke chat embed embeddings generate_content",
    ),
}
"""By what the callee begins with."""

_AWS: Final = "boto3.client()."
_STORES: Final = _of(
    "query",
    _AWS,
    "get_object put_object head_object upload_file download_file upload_fileobj download_fileobj list_objects_v2"
    " delete_object copy_object get_item put_item query scan send_message receive_message publish start_execution",
)[_AWS][0]
_MODELS: Final = frozenset({"invoke_endpoint", "invoke_model", "converse", "invoke_agent"})

METHODS: Final = _STORES | _MODELS | frozenset[str]().union(*(methods for methods, _ in _CLIENTS.values()))
"""Last names of the calls that are known."""


def waits(callee: str, method: str) -> Waits | None:
    """What a call waits for, by its qualified name, whose last part is *method*; None where it is not known to wait."""
    if method not in METHODS or callee[0] == "*":
        return None
    if callee.startswith(_AWS):
        return "query" if method in _STORES else "answer" if method in _MODELS else None
    for root, (methods, kind) in _CLIENTS.items():
        if method in methods and callee.startswith(f"{root}."):
            return kind
    return None
