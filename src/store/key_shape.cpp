#include "store/key_shape.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace dray {
namespace {

// Bytes that were seen weigh 1, their like no less at first: what has been seen of a listing is its beginning, and a
// cut that is too near is made good by the next one, while one that is too far leaves one stream with everything before
// it. Each time a place has been told to its end ("0999" was followed by another folder) the like weighs this much
// less.
constexpr float kLessAfterAnEnd = 0.25F;
constexpr float kKeyEnds = 0.0625F;
constexpr long double kSlack = 0.125L;  // of the smaller side: a cut need not be finer

struct Class {
    unsigned char first, last;
};
constexpr std::array<Class, 3> kClasses = {{{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}};
constexpr std::size_t kHexSigns = 3;  // so many hex digits with a letter among them, and nothing else: hex

bool is_hex_sign(unsigned char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

// The bytes whose like was seen.
std::array<bool, 256> alike(const std::array<bool, 256>& seen) {
    std::size_t signs = 0, hex = 0;
    for (std::size_t byte = 0; byte < 256; ++byte) {
        signs += seen[byte] ? 1 : 0;
        hex += seen[byte] && is_hex_sign(static_cast<unsigned char>(byte)) ? 1 : 0;
    }
    std::array<bool, 256> result = seen;
    for (const Class& one : kClasses) {
        const bool found =
            std::any_of(seen.begin() + one.first, seen.begin() + one.last + 1, [](bool is) { return is; });
        const unsigned char last = one.first == 'a' && hex == signs && signs >= kHexSigns ? 'f' : one.last;
        if (found) std::fill(result.begin() + one.first, result.begin() + last + 1, true);
    }
    return result;
}

std::size_t common_length(std::string_view a, std::string_view b) {
    const auto ends = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    return static_cast<std::size_t>(ends.first - a.begin());
}

// What makes a character that was cut off whole again, with the least that may follow.
std::optional<std::string> as_utf8(std::string key) {
    if (is_utf8(key)) return key;
    for (const char* rest :
         {"\x80", "\xa0", "\x90", "\x80\x80", "\xa0\x80", "\x90\x80", "\x80\x80\x80", "\x90\x80\x80"}) {
        if (is_utf8(key + rest)) return key + rest;
    }
    return std::nullopt;
}

}  // namespace

KeyShape::KeyShape(std::string prefix, std::size_t max_key_bytes)
    : prefix_(std::move(prefix)), max_key_bytes_(max_key_bytes) {}

void KeyShape::Place::weigh() {
    const std::array<bool, 256> like = alike(seen);
    float guess = 1;
    for (int end = 0; end < ends; ++end)
        guess *= kLessAfterAnEnd;
    below[0] = kKeyEnds;
    for (std::size_t byte = 0; byte < 256; ++byte)
        below[byte + 1] = below[byte] + (seen[byte] ? 1.0F : like[byte] ? guess : 0.0F);
}

long double KeyShape::Place::weight(unsigned char byte) const {
    return below[byte + std::size_t{1}] - below[byte];
}

void KeyShape::learn(std::string_view key) {
    for (std::size_t at = prefix_.size(); at < key.size(); ++at) {
        if (places_.size() == at - prefix_.size()) places_.emplace_back();
        Place& here = places_[at - prefix_.size()];
        bool& seen = here.seen[static_cast<unsigned char>(key[at])];
        if (seen) continue;
        seen = true;
        here.weigh();
    }
}

void KeyShape::learn(std::string_view before, std::string_view key) {
    learn(key);
    const std::size_t parts = common_length(before, key);
    for (std::size_t at = std::max(parts + 1, prefix_.size()); at < before.size(); ++at) {
        Place& here = places_[at - prefix_.size()];
        if (here.ends == kEnoughEnds) continue;
        ++here.ends;
        here.weigh();
    }
}

// `at` counts from the beginning of keys. Where none was seen to reach, nothing is known.
const KeyShape::Place& KeyShape::place(std::size_t at) const {
    const std::size_t index = at - prefix_.size();
    return index < places_.size() ? places_[index] : unknown_;
}

long double KeyShape::share_in(const Span& span) const {
    const Place& here = place(span.stem);
    if (here.total() == 0) return 0;
    const auto first = static_cast<std::size_t>(span.first), behind = static_cast<std::size_t>(span.last) + 1;
    const long double bytes = first < behind ? here.below[behind] - here.below[first] : 0;
    return span.scale * (bytes + (span.ends_here ? here.below[0] : 0)) / here.total();
}

// The keys between the two, as spans in the order of keys: up the levels of `after`, then down those of `until`.
std::vector<KeyShape::Span> KeyShape::spans(std::string_view after, const std::string* until) const {
    const auto byte_at = [](std::string_view key, std::size_t at) {
        return static_cast<int>(static_cast<unsigned char>(key[at]));
    };
    // The share of keys that go on with `byte`; what was never seen there still has some, or nothing below it had any.
    const auto scaled = [&](long double scale, std::size_t at, int byte) {
        const Place& here = place(at);
        if (here.total() == 0) return 0.0L;
        const long double weight = here.weight(static_cast<unsigned char>(byte));
        return scale * std::max<long double>(weight, kKeyEnds) / here.total();
    };
    const std::size_t parts = until ? common_length(after, *until) : prefix_.size();
    long double scale = 1;
    for (std::size_t at = prefix_.size(); at < parts; ++at)
        scale = scaled(scale, at, byte_at(after, at));

    std::vector<Span> result;
    // Where the two part.
    Span middle{.stem = parts, .scale = scale};
    if (after.size() > parts) middle.first = byte_at(after, parts) + 1;
    if (until) middle.last = byte_at(*until, parts) - 1;
    result.push_back(middle);
    long double here = scale;
    for (std::size_t at = parts; at < after.size(); ++at) {
        here = scaled(here, at, byte_at(after, at));
        const bool more = at + 1 < after.size();
        result.push_back({.stem = at + 1, .first = more ? byte_at(after, at + 1) + 1 : 0, .scale = here});
    }
    std::reverse(result.begin(), result.end());
    here = scale;
    for (std::size_t at = parts; until && at + 1 < until->size(); ++at) {
        here = scaled(here, at, byte_at(*until, at));
        result.push_back(
            {.side = 1, .stem = at + 1, .last = byte_at(*until, at + 1) - 1, .ends_here = true, .scale = here});
    }
    for (Span& span : result)
        span.share = share_in(span);
    return result;
}

long double KeyShape::share(std::string_view after, const std::string* until) const {
    if (after < prefix_) after = prefix_;
    long double sum = 0;
    for (const Span& span : spans(after, until))
        sum += span.share;
    return sum;
}

// The boundary in `span` with about `before` of it on the left.
std::string KeyShape::descend(std::string stem, const Span& span, long double before, long double slack) const {
    const Place& here = place(stem.size());
    long double sum = span.ends_here ? span.scale * here.below[0] / here.total() : 0;
    int chosen = -1;  // the byte before which the boundary is
    long double chosen_at = 0, inside = 0;
    for (int byte = span.first; byte <= span.last; ++byte) {
        const long double each = span.scale * here.weight(static_cast<unsigned char>(byte)) / here.total();
        if (each == 0) continue;
        if (chosen >= 0 && sum > before + slack) break;
        chosen = byte;
        chosen_at = sum;
        inside = each;
        sum += each;
        if (chosen_at >= before - slack) break;
    }
    if (chosen < 0) return {};
    stem += static_cast<char>(static_cast<unsigned char>(chosen));
    const bool fine = chosen_at >= before - slack || stem.size() - prefix_.size() >= places_.size();
    if (fine) return stem;
    // It lies among the keys that begin so.
    const std::string deeper = descend(stem, {.ends_here = true, .scale = inside}, before - chosen_at, slack);
    return deeper.empty() ? stem : deeper;
}

std::optional<std::string> KeyShape::cut(std::string_view after, const std::string* until, long double left) const {
    if (after < prefix_) after = prefix_;
    const std::vector<Span> all = spans(after, until);
    long double total = 0;
    for (const Span& span : all)
        total += span.share;
    if (total <= 0) return std::nullopt;

    const long double wanted = left * total, slack = kSlack * std::min(wanted, total - wanted);
    long double before = 0;
    for (const Span& span : all) {
        if (span.share > 0 && before + span.share > wanted - slack) {
            const std::string_view side = span.side == 0 ? after : std::string_view(*until);
            std::string key = descend(std::string(side.substr(0, span.stem)), span, wanted - before, slack);
            if (key.empty()) return std::nullopt;
            if (is_utf8(after)) {
                auto whole = as_utf8(std::move(key));
                if (!whole) return std::nullopt;
                key = *std::move(whole);
            }
            const bool between = key > after && (!until || key < *until) && key.size() <= max_key_bytes_;
            return between ? std::optional(std::move(key)) : std::nullopt;
        }
        before += span.share;
    }
    return std::nullopt;
}

}  // namespace dray
