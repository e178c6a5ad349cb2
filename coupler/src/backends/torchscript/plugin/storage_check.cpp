#include "backends/torchscript/plugin/storage_check.h"

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/serialization/unpickler.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

namespace ecostep::torchscript {
namespace {

struct Record {
  std::string name;
  at::DataPtr data;
  std::size_t size;
};

// Types of containers that hold what stands for objects of the archive's classes.
c10::TypePtr any_container(const std::string& text) {
  if (text.compare(0, 4, "Dict") == 0) return c10::DictType::create(c10::StringType::get(), c10::AnyType::get());
  return c10::ListType::create(c10::AnyType::get());
}

// What stands for each class of the archive.
c10::TypePtr object_type(const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  const auto type = c10::ClassType::create(c10::QualifiedName("__torch__.Object"), unit);
  type->addAttribute("state", c10::AnyType::get());
  return type;
}

// The value of a pickle, with an object of one attribute in place of each object of the archive's classes.
c10::IValue unpickle(caffe2::serialize::PyTorchStreamReader& archive, const std::string& name, std::vector<Record>& records) {
  const auto [pickle, size] = archive.getRecord(name + ".pkl");
  const char* const bytes = static_cast<const char*>(pickle.get());
  std::size_t at = 0;
  const auto read = [&, size = size](char* to, std::size_t length) -> std::size_t {
    const std::size_t n = std::min(length, size - at);
    std::memcpy(to, bytes + at, n);
    at += n;
    return n;
  };
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  const auto resolve = [&](const c10::QualifiedName& type) {
    const bool container = type.qualifiedName().find('[') != std::string::npos;
    return c10::StrongTypePtr(unit, container ? any_container(type.qualifiedName()) : object_type(unit));
  };
  const auto make_object = [](const c10::StrongTypePtr& type, const c10::IValue& state) {
    auto object = c10::ivalue::Object::create(type, 1);
    object->setSlot(0, state);
    return object;
  };
  const auto read_record = [&](const std::string& key) {
    const std::string entry = name + "/" + key;
    auto [data, length] = archive.getRecord(entry);
    void* const pointer = data.get();
    records.push_back({entry, std::move(data), length});
    return at::DataPtr(pointer, at::kCPU);  // the record remains the owner
  };
  torch::jit::Unpickler unpickler(read, resolve, make_object, read_record, at::Device(at::kCPU), false, any_container);
  return unpickler.parse_ivalue();
}

}  // namespace

std::string short_storage(caffe2::serialize::PyTorchStreamReader& archive) {
  for (const char* name : {"constants", "data"}) {
    if (!archive.hasRecord(std::string(name) + ".pkl")) continue;
    std::vector<Record> records;
    const c10::IValue value = unpickle(archive, name, records);
    std::map<const void*, const Record*> owners;
    for (const Record& record : records) owners[record.data.get()] = &record;
    std::string fault;
    value.visit([&](const c10::IValue& part) {
      if (!part.isTensor() || !part.toTensor().has_storage()) return !fault.empty();
      const c10::Storage& storage = part.toTensor().storage();
      const auto owner = owners.find(storage.data());
      if (owner != owners.end() && storage.nbytes() > owner->second->size)
        fault =
            owner->second->name + " has " + std::to_string(owner->second->size) + " bytes, not " + std::to_string(storage.nbytes());
      return !fault.empty();
    });
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace ecostep::torchscript
