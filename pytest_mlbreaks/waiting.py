"""Clients that hold their thread until a store, another service, or a model behind an API, answers.

Most of them have another class, or another library beside it, for code that awaits: ``AsyncSession``,
``redis.asyncio``, ``AsyncOpenAI``, ``aiosmtplib``, ``retrieve_async`` of ``stripe``.
"""

from __future__ import annotations

from typing import Final
from typing import Literal as L

Waits = L["query", "answer", "fetch", "service"]
"""For what: a store; a model behind an API; a file that is elsewhere; a service of somebody else."""


def _of(kind: Waits, roots: str, methods: str) -> dict[str, tuple[frozenset[str], Waits]]:
    return {root: (frozenset(methods.split()), kind) for root in roots.split()}


_SQLALCHEMY: Final = (
    "execute exec scalar scalars commit flush refresh get first all one one_or_none count delete update"
    " scalar_one scalar_one_or_none fetchall fetchone connect"
)
_AWS: Final = "boto3.client() boto3.Session().client() boto3.session.Session().client()"
_RUNS: Final = (
    "search_runs get_run get_latest_versions get_model_version get_model_version_by_alias search_model_versions"
    " search_registered_models get_registered_model search_experiments get_experiment_by_name download_artifacts"
    " transition_model_version_stage set_registered_model_alias log_metric log_metrics log_param log_params log_batch"
    " log_artifact set_tag create_run"
)

_CLIENTS: Final[dict[str, tuple[frozenset[str], Waits]]] = {
    **_of(
        "query",
        "sqlalchemy.orm.Session() sqlalchemy.orm.session.Session() sqlmodel.Session() sqlalchemy.orm.sessionmaker()()"
        " sqlalchemy.orm.session.sessionmaker()() sqlalchemy.orm.scoped_session()() sqlalchemy.create_engine()"
        " sqlalchemy.engine.create_engine() sqlmodel.create_engine()",
        _SQLALCHEMY,
    ),
    **_of(
        "query",
        "psycopg2 psycopg psycopg_pool.ConnectionPool() pymysql MySQLdb mysql.connector snowflake.connector pyodbc"
        " trino.dbapi databricks.sql clickhouse_driver.Client() cassandra.cluster.Cluster()",
        "connect execute executemany commit fetchall fetchone",
    ),
    **_of("query", "clickhouse_connect.get_client()", "query query_df command insert insert_df"),
    **_of(
        "query",
        "redis.Redis() redis.StrictRedis() redis.from_url() redis.Redis.from_url() redis.client.Redis()"
        " redis.cluster.RedisCluster() redis.RedisCluster() redis.StrictRedis.from_url()",
        "get set setex setnx mget mset hget hset hgetall hmget hincrby incr incrby decr delete exists expire"
        " lpush rpush lrange llen sadd smembers zadd zrange zrangebyscore keys ping publish xadd execute",
    ),
    **_of(
        "query",
        "pymongo.MongoClient() pymongo.mongo_client.MongoClient()",
        "find find_one insert_one insert_many update_one update_many delete_one delete_many replace_one aggregate"
        " count_documents find_one_and_update command",
    ),
    **_of(
        "query",
        "google.cloud.storage.Client()",
        "download_to_filename download_as_bytes download_as_text download_as_string upload_from_string"
        " upload_from_filename upload_from_file",
    ),
    **_of("query", "google.cloud.bigquery.Client()", "result to_dataframe insert_rows_json"),
    **_of("query", "google.cloud.pubsub_v1.PublisherClient() google.cloud.pubsub.PublisherClient()", "result"),
    **_of(
        "query",
        "minio.Minio()",
        "fget_object get_object put_object fput_object stat_object bucket_exists make_bucket",
    ),
    **_of("query", "kafka.KafkaProducer() confluent_kafka.Producer()", "flush"),
    **_of("query", "kafka.KafkaProducer().send()", "get"),
    **_of(
        "query",
        "elasticsearch.Elasticsearch() opensearchpy.OpenSearch()",
        "search index bulk get mget count delete update delete_by_query update_by_query ping",
    ),
    **_of(
        "query",
        "qdrant_client.QdrantClient()",
        "search query_points upsert retrieve scroll count get_collections create_collection",
    ),
    **_of(
        "query",
        "pinecone.Pinecone().Index() pinecone.Index() pymilvus.Collection() pymilvus.MilvusClient()"
        " chromadb.HttpClient() weaviate.Client()",
        "query search upsert get_collection get_or_create_collection heartbeat",
    ),
    **_of("query", "neo4j.GraphDatabase.driver()", "run execute_query execute_read execute_write verify_connectivity"),
    **_of("query", "supabase.create_client() supabase.Client()", "execute"),
    **_of(
        "query",
        "feast.FeatureStore()",
        "get_online_features retrieve_online_documents retrieve_online_documents_v2 push write_to_online_store",
    ),
    **_of("query", "mlflow.MlflowClient() mlflow.tracking.MlflowClient() mlflow.client.MlflowClient()", _RUNS),
    **_of(
        "query",
        _AWS,
        "get_object put_object head_object upload_file download_file upload_fileobj download_fileobj list_objects_v2"
        " delete_object copy_object get_item put_item query scan send_message receive_message publish start_execution",
    ),
    **_of(
        "query",
        "boto3.resource() boto3.Session().resource()",
        "get_item put_item update_item delete_item query scan upload_file download_file upload_fileobj send_message",
    ),
    **_of(
        "answer",
        "openai.OpenAI() openai.AzureOpenAI() openai.chat openai.ChatCompletion anthropic.Anthropic() groq.Groq()"
        " cohere.Client() cohere.ClientV2() mistralai.Mistral() google.generativeai.GenerativeModel()"
        " google.genai.Client() together.Together() ollama ollama.Client()"
        " langchain_openai.ChatOpenAI() langchain_openai.AzureChatOpenAI() langchain_groq.ChatGroq()"
        " langchain_anthropic.ChatAnthropic()"
        " langchain_google_genai.ChatGoogleGenerativeAI() langchain_ollama.ChatOllama()",
        "create parse generate invoke chat embed embeddings generate_content",
    ),
    **_of("answer", "huggingface_hub.InferenceClient()", "chat_completion text_generation feature_extraction"),
    **_of("answer", "litellm", "completion embedding"),
    **_of("service", "smtplib.SMTP() smtplib.SMTP_SSL()", "login sendmail send_message starttls"),
    **_of("service", "stripe", "retrieve create modify search"),
    **_of("service", "twilio.rest.Client()", "create fetch"),
    **_of("service", "resend.Emails sendgrid.SendGridAPIClient()", "send"),
    **_of("service", "google.oauth2.id_token", "verify_oauth2_token verify_firebase_token"),
    **_of("service", "paramiko.SSHClient()", "connect exec_command"),
    **_of("service", "yfinance yfinance.Ticker()", "download history"),
}
"""By what the callee begins with."""

_ANSWERS: Final = _of("answer", _AWS, "invoke_endpoint invoke_model converse invoke_agent")
"""What the clients of AWS do beside storing."""

_BY_FIRST: Final[dict[str, list[tuple[str, frozenset[str], Waits]]]] = {}
for _table in (_CLIENTS, _ANSWERS):
    for _root, (_methods, _kind) in _table.items():
        _BY_FIRST.setdefault(_root.partition(".")[0], []).append((_root, _methods, _kind))

LIBRARIES: Final = frozenset(_BY_FIRST)
"""The packages that the clients are of."""

METHODS: Final = frozenset[str]().union(*(methods for rows in _BY_FIRST.values() for _, methods, _ in rows))
"""Last names of the calls that are known."""


def waits(callee: str, method: str) -> Waits | None:
    """What a call waits for, by its qualified name, whose last part is *method*; None where it is not known to wait."""
    if method not in METHODS or callee[0] == "*":
        return None
    for root, methods, kind in _BY_FIRST.get(callee.partition(".")[0], ()):
        if method in methods and callee.startswith(f"{root}.") and ".aio." not in callee:
            return kind
    return None


def is_client(api: str) -> bool:
    """Whether what is called *api* is such a client, something that one made, or what makes one when it is called
    (a class, ``sessionmaker()``)."""
    rows = _BY_FIRST.get(api.partition(".")[0])
    return rows is not None and any(
        api == root or api.startswith(f"{root}.") or f"{api}()" == root for root, *_ in rows
    )
