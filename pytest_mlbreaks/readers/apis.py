"""Library calls that read or write data and models, and which of their arguments names what.

The argument names and positions are those of the libraries' public documentation. Only calls whose meaning is certain
are here: a bare ``.save`` or ``.load`` of an object that is not known is not.
"""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

Mode = Literal["read", "write", "append", "load", "save", "register", "promote", "find"]
Kind = Literal["path", "table", "registry", "hub"]
More = tuple[Literal["version", "stage", "alias", "artifact"], "int | None", tuple[str, ...]]

MODEL_MODES: Final = frozenset({"load", "save", "register", "promote", "find"})


@dataclasses.dataclass(frozen=True)
class Api:
    """One call. The target is the argument at *position* (None: by keyword only) or under one of *names*.

    *append*: keyword and values of it that make a write an append (``mode="a"``). *more*: fields of `ModelAccess` that
    other arguments fill, each with position and names.
    """

    mode: Mode
    position: int | None
    names: tuple[str, ...]
    kind: Kind = "path"
    append: tuple[str, frozenset[str]] | None = None
    more: tuple[More, ...] = ()

    @property
    def model(self) -> bool:
        """Whether it is a model that is accessed, rather than a dataset."""
        return self.mode in MODEL_MODES


def _each(template: str, names: str, api: Api) -> dict[str, Api]:
    return {template.format(name): api for name in names.split()}


_IF_EXISTS: Final = ("if_exists", frozenset({"append"}))
_APPEND: Final = ("mode", frozenset({"append"}))
_REVISION: Final[tuple[More, ...]] = (("version", None, ("revision",)),)
_MODE_A: Final = ("mode", frozenset({"a", "at", "ab", "append"}))

QUALIFIED: Final[dict[str, Api]] = {
    # pandas, polars, dask, pyarrow, duckdb, geopandas, awswrangler
    **_each("pandas.read_{}", "csv table pickle fwf", Api("read", 0, ("filepath_or_buffer",))),
    **_each("pandas.read_{}", "parquet feather orc", Api("read", 0, ("path",))),
    **_each("pandas.read_{}", "json hdf", Api("read", 0, ("path_or_buf",))),
    **_each("pandas.read_{}", "xml", Api("read", 0, ("path_or_buffer",))),
    **_each("pandas.read_{}", "stata sas spss", Api("read", 0, ("filepath_or_buffer", "path"))),
    "pandas.read_excel": Api("read", 0, ("io",)),
    "pandas.read_sql_table": Api("read", 0, ("table_name",), "table"),
    **_each(
        "polars.{}",
        "read_csv read_parquet read_json read_ndjson read_ipc read_avro read_excel read_delta"
        " scan_csv scan_parquet scan_ndjson scan_ipc scan_delta",
        Api("read", 0, ("source",)),
    ),
    **_each("dask.dataframe.read_{}", "parquet orc", Api("read", 0, ("path",))),
    **_each("dask.dataframe.read_{}", "csv json table", Api("read", 0, ("urlpath", "url_path"))),
    "pyarrow.parquet.read_table": Api("read", 0, ("source",)),
    "pyarrow.parquet.ParquetFile": Api("read", 0, ("source",)),
    "pyarrow.parquet.ParquetDataset": Api("read", 0, ("path_or_paths",)),
    "pyarrow.parquet.write_table": Api("write", 1, ("where",)),
    "pyarrow.csv.read_csv": Api("read", 0, ("input_file",)),
    "pyarrow.dataset.dataset": Api("read", 0, ("source",)),
    **_each("duckdb.read_{}", "csv parquet json", Api("read", 0, ("path_or_buffer", "file_glob"))),
    **_each("duckdb.connect().read_{}", "csv parquet json", Api("read", 0, ("path_or_buffer", "file_glob"))),
    "geopandas.read_file": Api("read", 0, ("filename",)),
    "geopandas.read_parquet": Api("read", 0, ("path",)),
    **_each("awswrangler.s3.read_{}", "parquet csv json parquet_table", Api("read", 0, ("path",))),
    **_each("awswrangler.s3.to_{}", "parquet csv json", Api("write", 1, ("path",), append=_APPEND)),
    "deltalake.write_deltalake": Api("write", 0, ("table_or_uri",), append=_APPEND),
    "deltalake.DeltaTable": Api("read", 0, ("table_uri",)),
    "delta.tables.DeltaTable.forPath": Api("read", 1, ("path",)),
    "delta.tables.DeltaTable.forName": Api("read", 1, ("tableOrViewName",), "table"),
    "datasets.load_from_disk": Api("read", 0, ("dataset_path",)),
    "tensorflow.data.TFRecordDataset": Api("read", 0, ("filenames",)),
    # numpy
    "numpy.load": Api("read", 0, ("file",)),
    **_each("numpy.{}", "loadtxt genfromtxt", Api("read", 0, ("fname",))),
    **_each("numpy.{}", "save savez savez_compressed", Api("write", 0, ("file",))),
    "numpy.savetxt": Api("write", 0, ("fname",)),
    # warehouses and feature stores
    "google.cloud.bigquery.Client().load_table_from_dataframe": Api("write", 1, ("destination",), "table"),
    "google.cloud.bigquery.Client().load_table_from_uri": Api("write", 1, ("destination",), "table"),
    "google.cloud.bigquery.Client().load_table_from_json": Api("write", 1, ("destination",), "table"),
    "google.cloud.bigquery.Client().insert_rows_json": Api("append", 0, ("table",), "table"),
    "google.cloud.bigquery.Client().list_rows": Api("read", 0, ("table",), "table"),
    "snowflake.connector.pandas_tools.write_pandas": Api("append", 2, ("table_name",), "table"),
    "feast.FileSource": Api("read", None, ("path",)),
    **_each("feast.{}", "BigQuerySource SnowflakeSource RedshiftSource", Api("read", None, ("table",), "table")),
    "feast.FeatureStore().write_to_online_store": Api("write", 0, ("feature_view_name",), "table"),
    "feast.FeatureStore().push": Api("append", 0, ("push_source_name",), "table"),
    # models
    **_each("{}.load", "joblib sklearn.externals.joblib", Api("load", 0, ("filename",))),
    **_each("{}.dump", "joblib sklearn.externals.joblib", Api("save", 1, ("filename",))),
    "skops.io.load": Api("load", 0, ("file",)),
    "skops.io.dump": Api("save", 1, ("file",)),
    **_each("torch.{}", "load jit.load", Api("load", 0, ("f",))),
    **_each("torch.{}", "save jit.save", Api("save", 1, ("f",))),
    "torch.onnx.export": Api("save", 2, ("f",)),
    **_each("{}.load_model", "keras.models keras.saving tensorflow.keras.models", Api("load", 0, ("filepath",))),
    **_each("{}.save_model", "keras.models keras.saving tensorflow.keras.models", Api("save", 1, ("filepath",))),
    "tensorflow.saved_model.load": Api("load", 0, ("export_dir",)),
    "tensorflow.saved_model.save": Api("save", 1, ("export_dir",)),
    **_each(
        "{}().save",
        "keras.Sequential keras.Model keras.models.Sequential keras.models.Model tensorflow.keras.Sequential"
        " tensorflow.keras.Model tensorflow.keras.models.Sequential tensorflow.keras.models.Model",
        Api("save", 0, ("filepath",)),
    ),
    **_each(
        "xgboost.{}().load_model",
        "Booster XGBClassifier XGBRegressor XGBRanker XGBModel",
        Api("load", 0, ("fname",)),
    ),
    "xgboost.Booster": Api("load", None, ("model_file",)),
    "lightgbm.Booster": Api("load", None, ("model_file",)),
    **_each("catboost.{}().load_model", "CatBoost CatBoostClassifier CatBoostRegressor", Api("load", 0, ("fname",))),
    "fasttext.load_model": Api("load", 0, ("path",)),
    "spacy.load": Api("load", 0, ("name",), "hub"),
    "onnx.load": Api("load", 0, ("f",)),
    "onnx.save": Api("save", 1, ("f",)),
    "onnxruntime.InferenceSession": Api("load", 0, ("path_or_bytes",)),
    "safetensors.torch.load_file": Api("load", 0, ("filename",)),
    "safetensors.torch.save_file": Api("save", 1, ("filename",)),
    "sentence_transformers.SentenceTransformer": Api("load", 0, ("model_name_or_path",), "hub", more=_REVISION),
    "sentence_transformers.CrossEncoder": Api("load", 0, ("model_name_or_path", "model_name"), "hub", more=_REVISION),
    "transformers.pipeline": Api("load", 1, ("model",), "hub", more=_REVISION),
    **_each(
        "huggingface_hub.{}", "hf_hub_download snapshot_download", Api("load", 0, ("repo_id",), "hub", more=_REVISION)
    ),
    "torch.hub.load": Api("load", 0, ("repo_or_dir",), "hub"),
    "timm.create_model": Api("load", 0, ("model_name",), "hub"),
    "ultralytics.YOLO": Api("load", 0, ("model",), "hub"),
    "whisper.load_model": Api("load", 0, ("name",), "hub"),
    "faster_whisper.WhisperModel": Api("load", 0, ("model_size_or_path",), "hub"),
    "fastembed.TextEmbedding": Api("load", 0, ("model_name",), "hub"),
    **_each("tensorflow_hub.{}", "load KerasLayer", Api("load", 0, ("handle",), "hub")),
    **_each(
        "{}.HuggingFaceEmbeddings",
        "langchain_huggingface langchain_community.embeddings langchain.embeddings"
        " langchain_community.embeddings.huggingface langchain.embeddings.huggingface",
        Api("load", None, ("model_name", "model"), "hub"),
    ),
    "llama_index.embeddings.huggingface.HuggingFaceEmbedding": Api("load", 0, ("model_name",), "hub"),
    "mlflow.register_model": Api("register", 1, ("name",), "registry", more=(("artifact", 0, ("model_uri",)),)),
    **_each(
        "{}().create_model_version",
        "mlflow.MlflowClient mlflow.tracking.MlflowClient mlflow.client.MlflowClient",
        Api("register", 0, ("name",), "registry", more=(("artifact", 1, ("source",)),)),
    ),
    "mlflow.pyfunc.spark_udf": Api("load", 1, ("model_uri",), "registry"),
    **_each(
        "bentoml.{}.get",
        "models sklearn xgboost lightgbm catboost pytorch torchscript pytorch_lightning keras tensorflow onnx mlflow"
        " transformers diffusers picklable_model detectron easyocr fastai",
        Api("load", 0, ("tag", "tag_like"), "registry"),
    ),
}
"""By qualified callee."""

FAMILIES: Final[dict[str, tuple[tuple[str, Api], ...]]] = {
    "load_model": (
        ("mlflow.", Api("load", 0, ("model_uri",), "registry")),
        ("bentoml.", Api("load", 0, ("bento_model", "tag_or_runner"), "registry")),
    ),
    "save_model": (
        ("mlflow.", Api("save", 1, ("path",))),
        ("bentoml.", Api("save", 0, ("name",), "registry")),
    ),
    "log_model": (("mlflow.", Api("save", 1, ("artifact_path", "name"))),),
    "from_pretrained": tuple(
        (root, Api("load", 0, names, "hub", more=_REVISION))
        for root, names in (
            ("transformers.", ("pretrained_model_name_or_path",)),
            ("diffusers.", ("pretrained_model_name_or_path", "pretrained_model_or_path")),
            ("peft.AutoPeft", ("pretrained_model_name_or_path",)),
            ("optimum.", ("model_id",)),
            ("tokenizers.", ("identifier",)),
        )
    ),
}
"""By the callee's last name, for every callee that begins with the text."""

METHODS: Final[dict[str, Api]] = {
    "to_csv": Api("write", 0, ("path_or_buf",), append=_MODE_A),
    "to_hdf": Api("write", 0, ("path_or_buf",)),
    "to_excel": Api("write", 0, ("excel_writer",)),
    **_each("to_{}", "parquet feather pickle orc", Api("write", 0, ("path",))),
    "to_stata": Api("write", 0, ("path",)),
    "to_sql": Api("write", 0, ("name",), "table", _IF_EXISTS),
    "to_gbq": Api("write", 0, ("destination_table",), "table", _IF_EXISTS),
    **_each("write_{}", "parquet ipc ndjson avro", Api("write", 0, ("file",))),
    "write_csv": Api("write", 0, ("file", "file_name")),
    "write_delta": Api("write", 0, ("target",), append=_APPEND),
    "write_database": Api("write", 0, ("table_name",), "table", ("if_table_exists", frozenset({"append"}))),
    **_each("sink_{}", "parquet csv ipc ndjson", Api("write", 0, ("path",))),
    "save_to_disk": Api("write", 0, ("dataset_path", "dataset_dict_path")),
    "save_as_table": Api("write", 0, ("table_name",), "table", _APPEND),
    "save_pretrained": Api("save", 0, ("save_directory",)),
    "save_model": Api("save", 0, ("fname", "filename", "output_dir")),
    # of MLflow's client: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.client.html
    "create_registered_model": Api("register", 0, ("name",), "registry"),
    "transition_model_version_stage": Api(
        "promote", 0, ("name",), "registry", more=(("version", 1, ("version",)), ("stage", 2, ("stage",)))
    ),
    "set_registered_model_alias": Api(
        "promote", 0, ("name",), "registry", more=(("alias", 1, ("alias",)), ("version", 2, ("version",)))
    ),
    "get_model_version_by_alias": Api("find", 0, ("name",), "registry", more=(("alias", 1, ("alias",)),)),
}
"""By method, for objects whose class is not the file's own: names that nothing else is known to use."""

TYPED_METHODS: Final[dict[str, tuple[tuple[str, ...], Api]]] = {
    "to_json": (("pandas.", "dask."), Api("write", 0, ("path_or_buf",), append=_MODE_A)),
    "get_latest_versions": (
        ("mlflow.",),
        Api("find", 0, ("name",), "registry", more=(("stage", 1, ("stages",)),)),
    ),
    "to_file": (("geopandas.",), Api("write", 0, ("filename",), append=_MODE_A)),
}
"""By method, for objects that a call of these libraries made."""

TRACKING: Final[dict[str, tuple[tuple[Literal["server", "registry", "experiment"], int | None, str], ...]]] = {
    "mlflow.set_tracking_uri": (("server", 0, "uri"),),
    "mlflow.set_registry_uri": (("registry", 0, "uri"),),
    "mlflow.set_experiment": (("experiment", 0, "experiment_name"),),
    "mlflow.create_experiment": (("experiment", 0, "name"),),
    **dict.fromkeys(
        ("mlflow.MlflowClient", "mlflow.tracking.MlflowClient", "mlflow.client.MlflowClient"),
        (("server", 0, "tracking_uri"), ("registry", 1, "registry_uri")),
    ),
}
"""Calls that say where MLflow keeps runs and models: what, and the argument that names it."""

OPENERS: Final[dict[str, str]] = {
    **dict.fromkeys(("builtins.open", "io.open", "codecs.open", "aiofiles.open", "smart_open.open"), "r"),
    **dict.fromkeys(("gzip.open", "bz2.open", "lzma.open", "fsspec.open"), "rb"),
    "tensorflow.io.gfile.GFile": "r",
}
"""Functions like ``open(file, mode)``, and the mode where none is given."""

PICKLERS: Final = frozenset({"pickle", "cloudpickle", "dill", "_pickle"})

S3_METHODS: Final[dict[str, tuple[Mode, int | None, int | None]]] = {
    "upload_file": ("write", 1, 2),
    "upload_fileobj": ("write", 1, 2),
    "download_file": ("read", 0, 1),
    "download_fileobj": ("read", 0, 1),
    "put_object": ("write", None, None),
    "get_object": ("read", None, None),
}
"""Of an S3 client (boto3): mode, positions of bucket and key."""

GCS_METHODS: Final[dict[str, Mode]] = {
    **dict.fromkeys(("upload_from_filename", "upload_from_string", "upload_from_file"), "write"),
    **dict.fromkeys(("download_to_filename", "download_as_bytes", "download_as_text", "download_as_string"), "read"),
    "download_to_file": "read",
}
"""Of a blob (google-cloud-storage)."""

SPARK_READS: Final = {
    **dict.fromkeys(("parquet", "csv", "json", "orc", "text", "load"), "path"),
    "table": "table",
}
SPARK_WRITES: Final = {
    **dict.fromkeys(("parquet", "csv", "json", "orc", "text", "save"), "path"),
    **dict.fromkeys(("saveAsTable", "insertInto"), "table"),
}
