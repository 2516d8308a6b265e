"""The name of the S3 operation behind a method, a path and its parameters."""

from collections.abc import Mapping

_VERBS = {"GET": "Get", "PUT": "Put", "DELETE": "Delete", "HEAD": "Get", "POST": "Post"}
_PLAIN = {
    ("GET", "service"): "ListBuckets",
    ("PUT", "bucket"): "CreateBucket",
    ("DELETE", "bucket"): "DeleteBucket",
    ("HEAD", "bucket"): "HeadBucket",
    ("GET", "bucket"): "ListObjects",
    ("GET", "object"): "GetObject",
    ("PUT", "object"): "PutObject",
    ("HEAD", "object"): "HeadObject",
    ("DELETE", "object"): "DeleteObject",
    ("POST", "bucket"): "PostObject",
}
_SPECIAL = {
    ("GET", "bucket", "list-type"): "ListObjectsV2",
    ("GET", "bucket", "versions"): "ListObjectVersions",
    ("GET", "bucket", "uploads"): "ListMultipartUploads",
    ("POST", "bucket", "delete"): "DeleteObjects",
    ("POST", "object", "uploads"): "CreateMultipartUpload",
    ("POST", "object", "uploadId"): "CompleteMultipartUpload",
    ("PUT", "object", "uploadId"): "UploadPart",
    ("DELETE", "object", "uploadId"): "AbortMultipartUpload",
    ("GET", "object", "uploadId"): "ListParts",
}
_PARTS = {
    "acl": "Acl",
    "cors": "Cors",
    "encryption": "Encryption",
    "lifecycle": "LifecycleConfiguration",
    "location": "Location",
    "logging": "Logging",
    "notification": "NotificationConfiguration",
    "policy": "Policy",
    "tagging": "Tagging",
    "versioning": "Versioning",
}
S3_OPERATIONS = (
    "CopyObject",
    *_PLAIN.values(),
    *_SPECIAL.values(),
    *(f"{verb}Bucket{part}" for verb in ("Get", "Put", "Delete") for part in _PARTS.values()),
    *(f"{verb}Object{part}" for verb in ("Get", "Put", "Delete") for part in ("Acl", "Tagging")),
)
"""The names that `s3_operation` returns of what the sandbox serves."""


def s3_operation(method: str, path: str, query: Mapping[str, str], headers: Mapping[bytes, bytes]) -> str:
    """Return the operation by AWS's name, such as GetObject or ListObjectsV2; the path is /BUCKET/KEY."""
    bucket, _, key = path.removeprefix("/").partition("/")
    level = "object" if key else "bucket" if bucket else "service"
    for name in query:
        if (method, level, name) in _SPECIAL:
            return _SPECIAL[method, level, name]
        if name in _PARTS:
            return f"{_VERBS.get(method, method)}{level.title()}{_PARTS[name]}"
    if method == "PUT" and level == "object" and b"x-amz-copy-source" in headers:
        return "CopyObject"
    return _PLAIN.get((method, level), f"{method.title()}{level.title()}")
