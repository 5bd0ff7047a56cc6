"""A small S3 client for the tests, with its own SigV4, so that dray's work is not judged by dray's code."""
import datetime
import hashlib
import hmac
import http.client
import ssl
import urllib.parse
import xml.etree.ElementTree as xml


class S3Error(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status} {body[:300]!r}")
        self.status = status


def quote(text, safe=""):
    return urllib.parse.quote(text, safe=safe + "-_.~")


def local_name(tag):
    return tag.rsplit("}", 1)[-1]


class S3:
    def __init__(self, endpoint, access_key, secret_key, region="us-east-1", ca=None):
        url = urllib.parse.urlsplit(endpoint)
        self.endpoint, self.host = endpoint, url.netloc
        self.access_key, self.secret_key, self.region = access_key, secret_key, region
        context = ssl.create_default_context(cafile=ca) if url.scheme == "https" else None
        self.connection = http.client.HTTPSConnection(self.host, context=context, timeout=60) if context else \
            http.client.HTTPConnection(self.host, timeout=60)

    def request(self, method, bucket, key=b"", query=(), headers=None, body=b""):
        key = key.encode() if isinstance(key, str) else key
        path = "/" + quote(bucket) + ("/" + quote(key, "/") if key else "")
        query = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(query))
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        digest = hashlib.sha256(body).hexdigest()
        signed = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": stamp,
                  **{name.lower(): value for name, value in (headers or {}).items()}}
        names = ";".join(sorted(signed))
        canonical = "\n".join([method, path, query, *(f"{name}:{signed[name].strip()}" for name in sorted(signed)), "", names, digest])
        scope = f"{day}/{self.region}/s3/aws4_request"
        secret = ("AWS4" + self.secret_key).encode()
        for part in (day, self.region, "s3", "aws4_request"):
            secret = hmac.new(secret, part.encode(), hashlib.sha256).digest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
        signed["authorization"] = f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        del signed["host"]
        self.connection.request(method, path + ("?" + query if query else ""), body=body, headers=signed)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise S3Error(answer.status, data)
        return {name.lower(): value for name, value in answer.getheaders()}, data

    def make_bucket(self, bucket):
        self.request("PUT", bucket)

    def put(self, bucket, key, body=b"", **headers):
        body = body.encode() if isinstance(body, str) else body
        return self.request("PUT", bucket, key, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)

    def get(self, bucket, key):
        return self.request("GET", bucket, key)

    def delete(self, bucket, key):
        self.request("DELETE", bucket, key)

    def exists(self, bucket, key):
        try:
            self.request("HEAD", bucket, key)
            return True
        except S3Error as error:
            if error.status == 404:
                return False
            raise

    def keys(self, bucket, prefix=""):
        found, token = [], None
        while True:
            query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", prefix)] + ([("continuation-token", token)] if token else [])
            root = xml.fromstring(self.request("GET", bucket, query=query)[1])
            encoded, token = False, None
            for child in root:
                if local_name(child.tag) == "EncodingType":
                    encoded = child.text == "url"
            for child in root:
                if local_name(child.tag) == "Contents":
                    key = next(part.text or "" for part in child if local_name(part.tag) == "Key")
                    found.append(urllib.parse.unquote_plus(key) if encoded else key)
                elif local_name(child.tag) == "NextContinuationToken":
                    token = child.text
            if not token:
                return found

    def objects(self, bucket, prefix=""):
        """key -> (bytes, properties that must survive a move)"""
        kept = ("content-type", "cache-control", "content-encoding", "content-language", "content-disposition", "expires")
        result = {}
        for key in self.keys(bucket, prefix):
            headers, body = self.get(bucket, key)
            result[key] = (body, {name: value for name, value in headers.items() if name in kept or name.startswith("x-amz-meta-")})
        return result

    def empty(self, bucket):
        for key in self.keys(bucket):
            self.delete(bucket, key)
