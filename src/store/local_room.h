// An object whose name is a directory, because other keys lie below it ("both" beside "both/child"): its file becomes
// the body in that directory, and the plain file again when nothing else is left there. Each is one step for every
// reader. What a process that is killed in between leaves is settled by recover_aside(). docs/local-store.md, "Making
// room".
#pragma once

#include <string>

#include "base/context.h"
#include "store/local_own_changes.h"
#include "store/local_sync.h"

namespace dray {

// The object `name` becomes the body inside a directory of that name. Success says nothing of what has the name now:
// the walk goes on with what is there.
Status make_room(const Context& ctx, int directory, const std::string& name, const std::string& path, LocalSync& sync,
                 OwnChanges& own_changes);

// The other way: where the directory `name` holds the body of an object and nothing more, the body gets that name.
// Success says nothing of what has the name now. Takes the lock of `directory`, then that of `name`.
Status give_up_room(const Context& ctx, int directory, const std::string& name, const std::string& path,
                    LocalSync& sync, OwnChanges& own_changes);

}  // namespace dray
