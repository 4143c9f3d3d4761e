#pragma once
// The bytes of a Plan. read_plan checks encodings, enumerators and ranks; what the plan means is checked by
// verify_engine (engine/verify.h).
#include "engine/bytes_reader.h"
#include "engine/bytes_writer.h"
#include "engine/plan.h"

namespace burnish {

void write_plan(BytesWriter& out, const Plan& plan);
Plan read_plan(BytesReader& in);

}  // namespace burnish
