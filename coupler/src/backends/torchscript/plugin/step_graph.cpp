#include "backends/torchscript/plugin/step_graph.h"

#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/passes/common_subexpression_elimination.h>
#include <torch/csrc/jit/passes/constant_pooling.h>
#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/lower_tuples.h>
#include <torch/csrc/jit/passes/peephole.h>
#include <torch/csrc/jit/passes/remove_dropout.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <memory>
#include <unordered_map>
#include <vector>

namespace ecostep::torchscript {
namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;
namespace prim = c10::prim;
namespace aten = c10::aten;

// Inputs of a method's graph; after these come the measured fluxes, if there are any, and the state.
enum : std::size_t { module_input, drivers_input, calendar_input };
constexpr int deepest_calls = 64, simplifications = 3;

// Attributes of the module become constants of the graph.
void fix_attributes(Graph& graph, torch::jit::Block* block, std::unordered_map<Value*, c10::IValue>& objects) {
  for (Node* node : block->nodes()) {
    if (node->kind() == prim::GetAttr) {
      const auto owner = objects.find(node->input());
      if (owner == objects.end()) continue;
      c10::IValue value = owner->second.toObjectRef().getAttr(node->s(c10::attr::name));
      if (!value.isObject()) {
        const torch::jit::WithInsertPoint insertion(node);
        if (const auto constant = torch::jit::tryInsertConstant(graph, value)) node->output()->replaceAllUsesWith(*constant);
      }
      objects.emplace(node->output(), std::move(value));
    }
    for (torch::jit::Block* inner : node->blocks()) fix_attributes(graph, inner, objects);
  }
}

// The inputs of a step are matrices, and its calendar a vector.
void fix_dimensions(Graph& graph, Value* value, std::int64_t dimensions) {
  const std::vector<torch::jit::Use> uses = value->uses();
  for (const torch::jit::Use& use : uses) {
    if (use.user->kind() != aten::dim) continue;
    const torch::jit::WithInsertPoint insertion(use.user);
    use.user->output()->replaceAllUsesWith(graph.insertConstant(dimensions));
  }
}

void take_apart(Value* value, torch::jit::Block* block, std::vector<Value*>& parts);

// The tensors of a list that nothing else uses, in order; lists that come from elsewhere stay as they are.
void take_list_apart(Value* list, torch::jit::Block* block, std::vector<Value*>& parts) {
  Node* const node = list->node();
  const bool used_once = node->owningBlock() == block && list->uses().size() == 1;
  if (used_once && node->kind() == prim::ListConstruct) {
    for (Value* part : node->inputs()) take_apart(part, block, parts);
  } else if (used_once && node->kind() == aten::add) {
    for (Value* sublist : node->inputs()) take_list_apart(sublist, block, parts);
  } else {
    parts.push_back(list);
  }
}

// What `value` is put together from along its columns, appended to `parts`: tensors and lists of tensors.
void take_apart(Value* value, torch::jit::Block* block, std::vector<Value*>& parts) {
  Node* const node = value->node();
  const bool joined = node->owningBlock() == block && node->kind() == aten::cat;
  const std::optional<c10::IValue> axis = joined ? torch::jit::toIValue(node->input(1)) : std::nullopt;
  if (axis && axis->isInt() && (axis->toInt() == 1 || axis->toInt() == -1))
    take_list_apart(node->input(0), block, parts);
  else
    parts.push_back(value);
}

bool writes_tensors(const torch::jit::Block* block) {
  for (const Node* node : block->nodes()) {
    for (const torch::jit::Block* inner : node->blocks())
      if (writes_tensors(inner)) return true;
    const c10::FunctionSchema* const schema = node->maybeSchema();
    if (schema == nullptr) continue;
    for (const c10::Argument& argument : schema->arguments())
      if (argument.alias_info() != nullptr && argument.alias_info()->isWrite() &&
          argument.type()->kind() != c10::TypeKind::ListType)
        return true;
  }
  return false;
}

}  // namespace

std::optional<Program> make_program(const torch::jit::Module& module, const torch::jit::Method& method) try {
  const std::shared_ptr<Graph> original = torch::jit::toGraphFunction(method.function()).graph();
  std::shared_ptr<Graph> graph = original->copy();
  for (int depth = 0; depth < deepest_calls; ++depth) torch::jit::Inline(*graph);  // each goes one call deeper
  std::unordered_map<Value*, c10::IValue> objects{{graph->inputs()[module_input], module._ivalue()}};
  fix_attributes(*graph, graph->block(), objects);
  for (std::size_t i = drivers_input; i < graph->inputs().size(); ++i)
    fix_dimensions(*graph, graph->inputs()[i], i == calendar_input ? 1 : 2);
  torch::jit::removeDropout(graph);
  for (int round = 0; round < simplifications; ++round) {
    torch::jit::LowerSimpleTuples(graph);
    torch::jit::ConstantPropagation(graph);
    torch::jit::PeepholeOptimize(graph, true);
    torch::jit::EliminateCommonSubexpression(graph);
    torch::jit::EliminateDeadCode(graph);
  }
  if (writes_tensors(graph->block())) return std::nullopt;
  if (graph->inputs()[module_input]->hasUses() || graph->outputs().size() != 1) return std::nullopt;
  Node* const result = graph->outputs()[0]->node();
  if (result->kind() != prim::TupleConstruct || result->inputs().size() != 2) return std::nullopt;
  std::vector<Value*> outputs{result->input(0)};
  take_apart(result->input(1), graph->block(), outputs);
  graph->eraseOutput(0);
  for (Value* output : outputs) graph->registerOutput(output);
  graph->eraseInput(module_input);
  torch::jit::EliminateDeadCode(graph);
  torch::jit::ConstantPooling(graph);
  return Program(graph, method.name());
} catch (const std::exception&) {
  return std::nullopt;
}

}  // namespace ecostep::torchscript
