// cpu.copy: operators that only move elements, of any type, as a list of strided copies fixed when prepared.
#include "kernels/cpu/copy_moves.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

class CopyKernel : public Kernel {
 public:
  CopyKernel(std::vector<Move> moves, Isa isa) : moves_(std::move(moves)) {
    for (Move& move : moves_) {
      move.copy.simplify();
      if (isa >= Isa::kAvx2) move.copy.swap = isa >= Isa::kAvx512 ? &avx512::kSwap : &avx2::kSwap;
    }
  }
  void run(const KernelArgs& args) const override {
    for (const Move& m : moves_) m.copy.run(args.inputs[m.input], args.outputs[m.output], *args.pool);
  }

 private:
  std::vector<Move> moves_;
};

class CopyTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.copy"; }
  std::vector<std::string_view> ops() const override {
    std::vector<std::string_view> names;
    for (const CopyOp& row : copy_ops()) names.push_back(row.op);
    return names;
  }

  bool supports(const Problem& p, const Target&) const override { return is_copy(p); }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<CopyKernel>(find_copy_op(p.op)->moves(p), target.isa);
  }

  bool accepts_strided_input(const Problem& p, int input) const override {
    return find_copy_op(p.op)->rows_apart && (input == 0 || p.op == "Concat");
  }
  bool accepts_strided_output(const Problem& p, int) const override { return find_copy_op(p.op)->rows_apart; }
  bool may_run_in_place(const Problem& p, int input) const override {
    return input == 0 && keeps_order(*find_copy_op(p.op));
  }
};

}  // namespace

const Tactic& copy_tactic() {
  static const CopyTactic tactic;
  return tactic;
}

}  // namespace burnish
