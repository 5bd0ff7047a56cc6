#include "s3/error_rules.h"

#include <algorithm>
#include <array>

namespace dray::s3 {
namespace {

constexpr std::string_view kKeyAdvice =
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or the profile, and that they belong to this endpoint";
constexpr std::string_view kClockAdvice = "set this machine's clock";

// Sources: "Error responses", Amazon S3 API reference; the codes that MinIO, Ceph, SeaweedFS and Garage add.
constexpr ErrorRule kCodes[] = {
    // The store asks for patience, but may have begun: a write that too few of MinIO's disks took, and the general word
    // of front ends whose back end failed.
    {.name = "SlowDownWrite", .code = Code::throttled, .maybe_done = true},
    {.name = "ServiceUnavailable", .code = Code::throttled, .maybe_done = true},
    // The store asks for patience: nothing was done.
    {.name = "SlowDown*", .code = Code::throttled},
    {.name = "Throttl*", .code = Code::throttled},
    {.name = "TooManyRequests*", .code = Code::throttled},
    {.name = "RequestLimitExceeded", .code = Code::throttled},
    {.name = "RequestThrottled*", .code = Code::throttled},
    {.name = "BandwidthLimitExceeded", .code = Code::throttled},
    {.name = "Busy", .code = Code::throttled},
    // The store failed: a change may have been made.
    {.name = "InternalError", .code = Code::unavailable, .maybe_done = true},
    {.name = "InternalFailure", .code = Code::unavailable, .maybe_done = true},
    // The request did not arrive whole, or not unharmed: it was not done.
    {.name = "RequestTimeout", .code = Code::unavailable, .reason = "slow-upload"},
    {.name = "IncompleteBody", .code = Code::unavailable},
    {.name = "BadDigest", .code = Code::corrupt, .reason = "bad-digest"},
    {.name = "XAmzContentSHA256Mismatch", .code = Code::unavailable, .reason = "bad-digest"},
    {.name = "XAmzContentChecksumMismatch", .code = Code::unavailable, .reason = "bad-digest"},
    {.name = "ContentSHA256Mismatch", .code = Code::unavailable, .reason = "bad-digest"},
    // Another request on the same key was under way: it was not done.
    {.name = "ConditionalRequestConflict", .code = Code::unavailable, .reason = "concurrent-write"},
    {.name = "OperationAborted", .code = Code::unavailable, .reason = "concurrent-write"},
    // Who we are.
    {.name = "RequestTimeTooSkewed",
     .code = Code::credentials,
     .fatal = true,
     .repair = Repair::clock,
     .advice = kClockAdvice},
    {.name = "RequestExpired",
     .code = Code::credentials,
     .fatal = true,
     .repair = Repair::clock,
     .advice = kClockAdvice},
    {.name = "ExpiredToken*",
     .code = Code::credentials,
     .fatal = true,
     .repair = Repair::credentials,
     .advice = "renew the credentials, then resume"},
    {.name = "TokenRefreshRequired",
     .code = Code::credentials,
     .fatal = true,
     .repair = Repair::credentials,
     .advice = "renew the credentials, then resume"},
    {.name = "InvalidToken",
     .code = Code::credentials,
     .fatal = true,
     .repair = Repair::credentials,
     .advice = "the session token is not good; renew the credentials, then resume"},
    {.name = "InvalidAccessKeyId", .code = Code::credentials, .fatal = true, .advice = kKeyAdvice},
    {.name = "InvalidClientTokenId", .code = Code::credentials, .fatal = true, .advice = kKeyAdvice},
    {.name = "UnrecognizedClientException", .code = Code::credentials, .fatal = true, .advice = kKeyAdvice},
    {.name = "SignatureDoesNotMatch",
     .code = Code::credentials,
     .fatal = true,
     .advice = "the secret key does not belong to the access key, or something between here and the store changes "
               "requests"},
    {.name = "NotSignedUp", .code = Code::credentials, .fatal = true},
    {.name = "InvalidSecurity", .code = Code::credentials, .fatal = true, .advice = kKeyAdvice},
    // Where the bucket is.
    {.name = "PermanentRedirect",
     .code = Code::invalid,
     .reason = "wrong-region",
     .fatal = true,
     .repair = Repair::region,
     .advice = "check --region and --endpoint"},
    {.name = "TemporaryRedirect", .code = Code::unavailable, .reason = "wrong-region", .repair = Repair::region},
    {.name = "Redirect", .code = Code::unavailable, .reason = "wrong-region", .repair = Repair::region},
    {.name = "AuthorizationHeaderMalformed",
     .code = Code::invalid,
     .reason = "wrong-region",
     .fatal = true,
     .repair = Repair::region,
     .advice = "check --region"},
    {.name = "IllegalLocationConstraintException",
     .code = Code::invalid,
     .reason = "wrong-region",
     .fatal = true,
     .repair = Repair::region,
     .advice = "check --region and --endpoint"},
    // What is not there.
    {.name = "NoSuchBucket",
     .code = Code::not_found,
     .reason = "no-such-bucket",
     .fatal = true,
     .advice = "check the bucket's name and the endpoint"},
    {.name = "NoSuchKey", .code = Code::not_found},
    {.name = "NoSuchVersion", .code = Code::not_found},
    {.name = "NoSuchUpload", .code = Code::not_found, .reason = "no-such-upload"},
    // What is not allowed.
    {.name = "AccessDenied*", .code = Code::denied},
    {.name = "AllAccessDisabled", .code = Code::denied, .fatal = true},
    {.name = "AccountProblem", .code = Code::denied, .fatal = true},
    {.name = "InvalidPayer", .code = Code::denied, .fatal = true},
    {.name = "RequestPaymentRequired", .code = Code::denied, .advice = "--request-payer accepts the bill"},
    {.name = "KMS.*", .code = Code::denied, .reason = "kms", .advice = "the encryption key refuses; ask its owner"},
    {.name = "InvalidObjectState",
     .code = Code::invalid,
     .reason = "archived",
     .advice = "the object is archived: restore it first"},
    {.name = "ObjectNotInActiveTierError",
     .code = Code::invalid,
     .reason = "archived",
     .advice = "the object is archived: restore it first"},
    // What this store cannot do.
    {.name = "NotImplemented", .code = Code::unsupported},
    {.name = "MethodNotAllowed", .code = Code::unsupported},
    {.name = "XNotImplemented", .code = Code::unsupported},
    // What is wrong with the request.
    {.name = "EntityTooLarge", .code = Code::invalid, .reason = "too-large"},
    {.name = "KeyTooLong*", .code = Code::invalid, .reason = "key-too-long"},
    {.name = "InvalidRange", .code = Code::invalid, .reason = "bad-range"},
    {.name = "InvalidBucketName", .code = Code::invalid, .reason = "bad-bucket", .fatal = true},
    {.name = "InvalidPart*", .code = Code::invalid, .reason = "invalid-part"},
    {.name = "EntityTooSmall", .code = Code::invalid, .reason = "invalid-part"},
    {.name = "PreconditionFailed", .code = Code::conflict},
};

bool matches(std::string_view pattern, std::string_view code) {
    if (!pattern.ends_with('*')) return pattern == code;
    pattern.remove_suffix(1);
    return code.starts_with(pattern);
}

constexpr ErrorRule kRetry{.code = Code::unavailable, .maybe_done = true};

struct StatusRule {
    int status;
    ErrorRule rule;
};
constexpr StatusRule kStatuses[] = {
    {301,
     {.code = Code::invalid,
      .reason = "wrong-region",
      .fatal = true,
      .repair = Repair::region,
      .advice = "check --region and --endpoint"}},
    {307, {.code = Code::unavailable, .reason = "wrong-region", .repair = Repair::region}},
    {308,
     {.code = Code::invalid,
      .reason = "wrong-region",
      .fatal = true,
      .repair = Repair::region,
      .advice = "check --region and --endpoint"}},
    {401, {.code = Code::credentials, .fatal = true, .advice = kKeyAdvice}},
    {403, {.code = Code::denied}},
    {404, {.code = Code::not_found}},
    {405, {.code = Code::unsupported}},
    {408, kRetry},
    {409, {.code = Code::conflict}},
    {412, {.code = Code::conflict}},
    {413, {.code = Code::invalid, .reason = "too-large"}},
    {416, {.code = Code::invalid, .reason = "bad-range"}},
    {429, {.code = Code::throttled}},
    {501, {.code = Code::unsupported}},
    {503, {.code = Code::throttled}},
};
constexpr ErrorRule kOther{.code = Code::invalid};

}  // namespace

const ErrorRule* rule_of_code(std::string_view code) {
    auto found = std::find_if(std::begin(kCodes), std::end(kCodes),
                              [&](const ErrorRule& rule) { return matches(rule.name, code); });
    return found == std::end(kCodes) ? nullptr : &*found;
}

const ErrorRule& rule_of_status(int status) {
    auto found = std::find_if(std::begin(kStatuses), std::end(kStatuses),
                              [&](const StatusRule& rule) { return rule.status == status; });
    if (found != std::end(kStatuses)) return found->rule;
    return status >= 500 ? kRetry : kOther;
}

}  // namespace dray::s3
