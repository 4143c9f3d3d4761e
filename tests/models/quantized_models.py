"""Small versions of real exporter models, quantised by ONNX Runtime's own tools: what users bring with Q/DQ inside."""
import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from test_models import model_file

IMAGE_SIDE = 64
BERT_LAYERS = 2
LENGTH = 24
CUT_EVERY = 4
# Name -> (activations, one scale per output channel of a weight)
FLAVOURS = {"u8": ("QUInt8", True), "s8": ("QInt8", True), "u8_per_tensor": ("QUInt8", False)}


def small_resnet(path):
    """ResNet-50 for images of 64 x 64: the global pooling takes any size, a 24th of the work."""
    model = onnx.load(model_file("resnet50_legacy"))
    for dim in list(model.graph.input[0].type.tensor_type.shape.dim)[2:]:
        dim.dim_value = IMAGE_SIDE
    del model.graph.value_info[:]
    onnx.save(model, path)


def small_bert(path):
    """The embeddings and the first layers of BERT-base."""
    source = model_file("bert_legacy")
    graph = onnx.load(source, load_external_data=False).graph
    norms = [n.output[0] for n in graph.node if n.op_type == "LayerNormalization"]  # one of the embeddings, two a layer
    onnx.utils.extract_model(str(source), str(path), [i.name for i in graph.input], [norms[2 * BERT_LAYERS]],
                             check_model=False)


def samples(name, count, seed):
    random = np.random.default_rng(seed)
    if name == "resnet50":
        coarse = random.standard_normal((count, 3, IMAGE_SIDE // 8, IMAGE_SIDE // 8))
        smooth = coarse.repeat(8, 2).repeat(8, 3)
        return {"input": (smooth + 0.3 * random.standard_normal(smooth.shape)).astype(np.float32)}
    lengths = random.integers(LENGTH // 3, LENGTH + 1, count)
    mask = (np.arange(LENGTH)[None, :] < lengths[:, None]).astype(np.int64)
    ids = random.integers(1000, 30000, (count, LENGTH)) * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(mask)}


def pre_processed(name, folder):
    from onnxruntime.quantization.shape_inference import quant_pre_process

    path, small = folder / f"{name}_small_folded.onnx", folder / f"{name}_small.onnx"
    if not path.exists():
        (small_resnet if name == "resnet50" else small_bert)(small)
        quant_pre_process(str(small), str(path), skip_symbolic_shape=True)
    return path


def mask_nodes(path):
    """Names of the nodes that make an attention mask of minus infinities, add it or take its softmax: no scale fits it."""
    masked, names = set(), []
    for n in onnx.load(path, load_external_data=False).graph.node:
        if n.op_type == "Where" or (n.op_type in ("Add", "Softmax") and masked.intersection(n.input)):
            masked.update(n.output)
            names.append(n.name)
    return names


def quantized(name, flavour, folder):
    """Path of the QDQ model; `folder` keeps it for the next time."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            data = samples(name, 8, 1)
            self.items = iter([{n: a[i:i + 1] for n, a in data.items()} for i in range(8)])

        def get_next(self):
            return next(self.items, None)

    path = folder / f"{name}_{flavour}.onnx"
    if not path.exists():
        activation, per_channel = FLAVOURS[flavour]
        source = pre_processed(name, folder)
        quantize_static(source, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=per_channel,
                        activation_type=QuantType[activation], weight_type=QuantType.QInt8, nodes_to_exclude=mask_nodes(source))
    return path


def exact_session(model):
    """ONNX Runtime without graph optimisations: it evaluates Q/DQ as they stand, with floats in between."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    return ort.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"])


def values_at_cuts(path, feeds):
    """Every fourth quantised value of a QDQ model, by name."""
    model = onnx.load(path)
    quantizers = [n for n in model.graph.node if n.op_type == "QuantizeLinear"]
    kinds = {t.name: t.data_type for t in model.graph.initializer}
    names = [n.output[0] for n in quantizers][CUT_EVERY - 1::CUT_EVERY]
    for name in names:
        model.graph.output.append(helper.make_tensor_value_info(name, kinds[quantizers[0].input[2]], None))
    return dict(zip(names, exact_session(model.SerializeToString()).run(names, feeds)))


def cut_model(source, target, values):
    """Cuts a model at `values`: each becomes an output, and what follows reads a graph input "cut_<i>" instead.

    A value on the border between two integers may fall to either side. Behind the border that one step grows with every
    layer, in a deep net with random weights beyond all bounds. So pieces are compared, each fed with the same integers.
    """
    model = onnx.load(source)
    graph = model.graph
    cuts = {name: f"cut_{i}" for i, name in enumerate(values)}
    for node in graph.node:
        for i, name in enumerate(node.input):
            node.input[i] = cuts.get(name, name)
    del graph.output[:]
    for name, value in values.items():
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        graph.output.append(helper.make_tensor_value_info(name, kind, value.shape))
        graph.input.append(helper.make_tensor_value_info(cuts[name], kind, value.shape))
    onnx.save(model, target)
    return {cuts[name]: value for name, value in values.items()}


def output_step(model_path, output, values):
    """One quantisation step of an output: its DequantizeLinear's scale, or a 255th of the values' range if it is float."""
    graph = onnx.load(model_path, load_external_data=False).graph
    scales = {n.output[0]: n.input[1] for n in graph.node if n.op_type == "DequantizeLinear"}
    if output in scales:
        return float(next(numpy_helper.to_array(t) for t in graph.initializer if t.name == scales[output]))
    return float(values.max() - values.min()) / 255
