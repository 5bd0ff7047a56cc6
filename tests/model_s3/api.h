// Api: what each S3 operation does, without sockets. One call in, one answer out; thread-safe.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "http.h"
#include "quirks.h"
#include "world.h"

namespace dray::model {

enum class Op {
    unknown,
    control,
    list_buckets,
    create_bucket,
    delete_bucket,
    head_bucket,
    bucket_location,
    bucket_versioning,
    put_bucket_versioning,
    bucket_website,
    bucket_ownership,
    bucket_lock,
    bucket_encryption,
    bucket_acl,
    list_v2,
    list_v1,
    list_versions,
    list_uploads,
    delete_objects,
    get_object,
    head_object,
    put_object,
    copy_object,
    delete_object,
    get_tagging,
    put_tagging,
    delete_tagging,
    get_acl,
    put_acl,
    get_attributes,
    create_upload,
    upload_part,
    upload_part_copy,
    complete_upload,
    abort_upload,
    list_parts,
    count_,
};

std::string_view op_name(Op op);

// Finds bucket and key in the request and says what is asked. `domain`: BUCKET.domain as Host is virtual-host style.
Op route(Request& request, std::string_view domain);

class Api {
public:
    Api(World& world, const Quirks& quirks, std::string region)
        : world_(world), quirks_(quirks), region_(std::move(region)) {}

    // Does it. `quirks` may be replaced only while no call runs.
    void handle(Op op, Request& request, Answer& answer);
    void set_clock_offset_us(std::int64_t offset) { clock_offset_us_ = offset; }
    std::int64_t now_us() const;

private:
    // api_bucket.cpp
    void list_buckets(Answer& answer);
    void create_bucket(Request& request, Answer& answer);
    void delete_bucket(Request& request, Answer& answer);
    void put_versioning(Request& request, Answer& answer);
    void bucket_fact(Op op, Request& request, Answer& answer);
    // api_list.cpp
    void list_objects(Op op, Request& request, Answer& answer);
    void list_versions(Request& request, Answer& answer);
    void list_uploads(Request& request, Answer& answer);
    // api_object.cpp
    void get_object(Request& request, Answer& answer, bool head);
    void put_object(Request& request, Answer& answer);
    void delete_one(Request& request, Answer& answer);
    void delete_many(Request& request, Answer& answer);
    // api_props.cpp
    void tagging(Op op, Request& request, Answer& answer);
    void acl(Op op, Request& request, Answer& answer);
    void attributes(Request& request, Answer& answer);
    // api_copy.cpp
    void copy_object(Request& request, Answer& answer);
    void upload_part_copy(Request& request, Answer& answer);
    // api_multipart.cpp
    void create_upload(Request& request, Answer& answer);
    void upload_part(Request& request, Answer& answer);
    void complete_upload(Request& request, Answer& answer);
    void abort_upload(Request& request, Answer& answer);
    void list_parts(Request& request, Answer& answer);

    // Shared by the operations. Those that return null or false have written the error.
    Bucket* need_bucket(const Request& request, Answer& answer);
    Upload* need_upload(Bucket& bucket, const Request& request, Answer& answer);
    bool read_props(const Request& request, Answer& answer, Props& props);
    bool read_system_headers(const Request& request, Answer& answer, Props& props);
    bool read_canned_acl(const Request& request, Answer& answer, Props& props);  // false: refused
    // Content-MD5 and x-amz-checksum-*; notes the checksum in `props` and the answer's headers.
    bool check_body(const Request& request, Answer& answer, std::string& algorithm, std::string& value);
    bool target_conditions(const Bucket& bucket, const Request& request, bool none_match, bool match, Answer& answer);
    std::int64_t seen_from_us(const Request& request) const;  // of an object that it creates
    bool target_allowed(const Bucket& bucket, const Request& request, std::uint64_t size, Answer& answer);
    struct CopySource {
        ObjectPtr object;
        std::string bucket, key, version_id;
    };
    // With the world's lock held.
    bool find_copy_source(const Request& request, bool conditions, CopySource& source, Answer& answer);
    bool delete_allowed(const Object* object, const Request& request, Answer& answer);
    std::string object_etag(const Body& body);

    World& world_;
    const Quirks& quirks_;
    std::string region_;
    std::atomic<std::int64_t> clock_offset_us_{0};
};

// Writes an <Error> answer.
void fail(Answer& answer, int status, std::string_view code, std::string_view message, std::string_view extra_xml = {});
void fail_invalid(Answer& answer, std::string_view message);  // 400 InvalidArgument

// True when the list of etags in an If-Match or If-None-Match header names `etag` (without quotes); `*` names any.
bool etag_listed(std::string_view list, std::string_view etag);

// Form-encoded tags ("a=1&b=2"). False: more than ten, a key twice, over-long.
bool parse_tags(std::string_view text, std::map<std::string, std::string>& tags);

// The headers HEAD, GET and the checksum mode answer with.
void add_object_headers(const Object& object, const Quirks& quirks, bool checksum_mode, Answer& answer);

}  // namespace dray::model
