#include "world.h"

#include <atomic>
#include <random>
#include <utility>

#include "job/run_dir.h"
#include "ops/contract.h"
#include "ops/segregate.h"
#include "store/lent_store.h"

namespace dray::crash {
namespace {

constexpr const char* kBucket = "bkt";
constexpr int kEio = 5;

MemoryStoreOptions options_of(const Scenario& scenario, Clock* clock) {
    MemoryStoreOptions options{.clock = clock, .opaque_etags = scenario.opaque_etags};
    if (scenario.store != StoreKind::all_conditions) {
        options.ignores.copy_if_absent = true;
        options.ignores.remove_many_if_match = true;
    }
    if (scenario.store == StoreKind::no_conditions) {
        options.ignores.copy_source_if_match = true;
        options.ignores.remove_if_match = true;
    }
    return options;
}

}  // namespace

std::string name_of(StoreKind kind) {
    switch (kind) {
        case StoreKind::all_conditions: return "all conditions";
        case StoreKind::single_delete_only: return "single delete only";
        case StoreKind::no_conditions: return "no conditions";
    }
    return "?";
}

std::string name_of(const Scenario& scenario) {
    return "seed " + std::to_string(scenario.seed) + ", " + name_of(scenario.store) +
           (scenario.opaque_etags ? ", opaque etags" : "") + (scenario.delete_after ? ", delete after" : "") +
           (scenario.layout == Scenario::Layout::by_date     ? ", by date"
            : scenario.layout == Scenario::Layout::segregate ? ", segregate"
                                                             : "") +
           (scenario.copies ? ", copies, overwrites " + std::string(name_of(*scenario.copies)) : "") +
           (scenario.exclusive ? ", exclusive" : "") + (scenario.workers == 1 ? ", one worker" : "");
}

std::string name_of(const Death& death) {
    const char* at = death.at == Death::At::journal      ? "journal write "
                     : death.at == Death::At::store_call ? "before store call "
                                                         : "after store call ";
    return at + std::to_string(death.point);
}

World::World(const Scenario& scenario)
    : scenario_(scenario),
      memory_(make_memory_store(options_of(scenario, &clock_))),
      store_(make_fault_store(memory_, &clock_)) {
    plant();
}

// Seven to fourteen objects, some of them with a target that is there already: equal ones and others.
void World::plant() {
    std::mt19937 random(scenario_.seed);
    const int count = 7 + static_cast<int>(random() % 8);
    auto put = [&](const std::string& key, const std::string& body) {
        clock_.advance(std::chrono::seconds(1));
        CHECK(memory_->put({}, {kBucket, key, {}}, body,
                           {.properties = {.content_type = "text/x-test", .metadata = {{"owner", body}}}}));
    };
    for (int i = 0; i < count; ++i) {
        const std::string name = "f" + std::to_string(i) + "_202403" + std::to_string(10 + i) + ".csv";
        const std::string body = "body of " + name;
        put("in/" + name, body);
        const std::string target = scenario_.layout == Scenario::Layout::prefix
                                       ? "out/" + name
                                       : "out/2024/03/" + std::to_string(10 + i) + "/" + name;
        if (random() % 8 == 0) put(target, body);
        // A conflict keeps --delete after from deleting anything, by design: its scenarios have none.
        if (random() % 8 == 1 && !scenario_.delete_after) put(target, "another body");
    }
    put("in/elsewhere/deep/x_20240401.csv", "deep");
    if (scenario_.layout == Scenario::Layout::segregate) put("in/undated.csv", "goes to the error directory");
    put("bystander.txt", "not ours");
    planted_ = objects();
    clock_.advance(std::chrono::hours(1));
}

Objects World::objects() const {
    Objects all;
    auto page = memory_->list({}, {.bucket = kBucket, .max_keys = 10'000});
    CHECK(page && !page->truncated);
    for (const ListedObject& object : page->objects) {
        std::string body;
        auto info = memory_->get({}, {kBucket, object.key, {}}, {}, [&](std::string_view bytes) -> Status {
            body += bytes;
            return {};
        });
        CHECK(info.has_value());
        for (const NameValue& pair : info->properties.metadata)
            body += "|" + pair.name + "=" + pair.value;
        all[object.key] = body + "|" + info->properties.content_type;
    }
    return all;
}

Objects World::kept(Objects all) const {
    if (!scenario_.copies || *scenario_.copies == Overwrite::never) return all;
    std::erase_if(all, [&](const auto& object) {
        const auto was = planted_.find(object.first);
        return was != planted_.end() && was->second.starts_with("another body");
    });
    return all;
}

RunEnvironment World::environment() {
    return {.state_directory = state_.path(),
            .open_store = [this](PlannedStore& planned) -> Result<std::unique_ptr<ObjectStore>> {
                planned.identity = store_->identity();
                return std::unique_ptr<ObjectStore>(std::make_unique<LentStore>(*store_));
            },
            .workers = scenario_.workers,
            .journal_fault = journal_fault_};
}

MoveCommand World::command() const {
    MoveCommand command{
        .argv = {"dray", "mv"}, .stores = {{.url = "mem:"}}, .source_bucket = kBucket, .source_prefix = "in/"};
    command.rule = {.to = "{path}",
                    .source_bucket = kBucket,
                    .source_prefix = "in/",
                    .target_bucket = kBucket,
                    .target_prefix = "out/"};
    if (scenario_.layout == Scenario::Layout::segregate) {
        command.command = "segregate";
        command.rule = segregated();
        command.on_collision = OnCollision::keep;
    } else if (scenario_.layout == Scenario::Layout::by_date) {
        command.rule.match = R"(_(\d{8})\.)";
        command.rule.date_format = "%Y%m%d";
        command.rule.to = "{date:%Y/%m/%d}/{basename}";
    }
    command.options.delete_after = scenario_.delete_after;
    if (scenario_.copies) {
        command.command = "cp";
        command.options.what = Do::copy;
        command.options.overwrite = *scenario_.copies;
        command.options.preserve = PropertySet();
    }
    command.options.exclusive = scenario_.exclusive;
    return command;
}

// As the door of the old script has it.
RelayoutOptions World::segregated() const {
    auto config = parse_segregate_config(
        "<c><log_file>x.log</log_file><match_pattern>_(\\d{8})\\.</match_pattern><datetime_format>%Y%m%d</"
        "datetime_format>"
        "<s3_dir>s3://bkt/in/</s3_dir><s3_segregated_dir>s3://bkt/out/%Y/%m/%d/</s3_segregated_dir>"
        "<s3_error_dir>s3://bkt/err/</s3_error_dir></c>",
        "config.xml");
    CHECK(config.has_value());
    return segregate_rule(*config, {});
}

void World::note(const Result<RunResult>& result) {
    if (!result) {
        trouble_ = result.error().message;
        return;
    }
    balance_ = result->balance;
    trouble_ = "left " + std::to_string(result->balance.left) + ", failed " + std::to_string(result->balance.failed);
    if (result->error) trouble_ += ": " + result->error->message;
}

template <class Body>
bool World::process(const std::optional<Death>& death, const Body& body) {
    store_->revive();
    store_->clear_rules();
    auto calls = std::make_shared<std::atomic<std::uint64_t>>(0);
    auto writes = std::make_shared<std::atomic<std::uint64_t>>(0);
    store_->add(
        {.when =
             [=, this](const Call&) {
                 clock_.advance(std::chrono::milliseconds(1));  // no two writes bear one LastModified
                 const std::uint64_t number = (*calls)++;
                 return death && death->at != Death::At::journal && number == death->point;
             },
         .count = 1,
         .action = death && death->at == Death::At::after_store_call ? FaultAction::die_after : FaultAction::die});
    journal_fault_ = [this, writes, death](std::string_view) {
        const std::uint64_t number = (*writes)++;
        if (death && death->at == Death::At::journal && number == death->point) store_->die();
        return store_->dead() ? kEio : 0;
    };
    const bool finished = body();
    counts_ = {calls->load(), writes->load()};
    died_ = store_->dead();
    return finished;
}

bool World::move(const std::optional<Death>& death) {
    return process(death, [&] {
        const Context ctx(nullptr, &clock_);
        RunEnvironment env = environment();
        if (run_.empty()) {
            auto planned = plan_move(ctx, env, command());
            if (!planned) {
                trouble_ = planned.error().message;
                return false;
            }
            run_ = planned->run.id;
        }
        auto result = apply_run(ctx, env, run_);
        note(result);
        return result && result->finished();
    });
}

bool World::undo(const std::optional<Death>& death) {
    return process(death, [&] {
        const Context ctx(nullptr, &clock_);
        RunEnvironment env = environment();
        auto result = undo_run(ctx, env, run_, {"dray", "undo"});
        note(result);
        return result && result->finished();
    });
}

}  // namespace dray::crash
