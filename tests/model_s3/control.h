// The /_model/ endpoints of the program: counters out, fault scripts in. Unsigned, JSON; README.md lists them.
#pragma once

#include "http.h"

namespace dray::model {

class ModelS3;

void control(ModelS3& server, const Request& request, Answer& answer);

}  // namespace dray::model
