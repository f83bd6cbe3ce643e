using System.Collections.Frozen;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// The globals that a pickle may name, and the object that each one creates. They only store their arguments; whether these are
/// consistent is checked when a tensor is created. Sources: PyTorch's torch/_utils.py (_rebuild_*), and the __reduce__ methods
/// of numpy's ndarray, dtype and scalars and of Python's OrderedDict, Counter, defaultdict, set, bytes and bytearray.
/// </summary>
internal static class PickleGlobals
{
    /// <summary>PyTorch's typed storages, and the untyped storage, whose tensors state their own type.</summary>
    private static readonly (string Name, DataType Type)[] StorageTypes =
    [
        ("DoubleStorage", DataType.F64), ("FloatStorage", DataType.F32), ("HalfStorage", DataType.F16),
        ("BFloat16Storage", DataType.BF16), ("LongStorage", DataType.I64), ("IntStorage", DataType.I32),
        ("ShortStorage", DataType.I16), ("CharStorage", DataType.I8), ("ByteStorage", DataType.U8),
        ("BoolStorage", DataType.Bool), ("UntypedStorage", DataType.U8),
    ];

    private static readonly (string Name, DataType Type)[] TensorTypes =
    [
        ("float64", DataType.F64), ("double", DataType.F64), ("float32", DataType.F32), ("float", DataType.F32),
        ("float16", DataType.F16), ("half", DataType.F16), ("bfloat16", DataType.BF16),
        ("int64", DataType.I64), ("long", DataType.I64), ("int32", DataType.I32), ("int", DataType.I32),
        ("int16", DataType.I16), ("short", DataType.I16), ("int8", DataType.I8), ("uint8", DataType.U8),
        ("uint64", DataType.U64), ("uint32", DataType.U32), ("uint16", DataType.U16), ("bool", DataType.Bool),
    ];

    private static readonly FrozenDictionary<string, PickleGlobal> Allowed =
        All().ToFrozenDictionary(global => global.Name, StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, DataType> Storages = Types("torch.", StorageTypes)
        .Concat(Types("torch.cuda.", StorageTypes))
        .Append(new("torch.storage.UntypedStorage", DataType.U8))
        .ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, DataType> Tensors =
        Types("torch.", TensorTypes).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Returns the global with this name; null if no weights file needs it.</summary>
    public static PickleGlobal? Find(string module, string name)
    {
        module = module switch
        {
            // Python 3 renamed __builtin__; numpy 2 renamed numpy.core.
            "__builtin__" => "builtins",
            _ when module.StartsWith("numpy._core.", StringComparison.Ordinal) => $"numpy.core.{module[12..]}",
            _ => module,
        };
        return Allowed.GetValueOrDefault($"{module}.{name}");
    }

    /// <summary>Returns the element type of a storage class; null if the value is not a storage class.</summary>
    public static DataType? StorageType(object? value)
        => value is PickleGlobal global && Storages.TryGetValue(global.Name, out var type) ? type : null;

    /// <summary>Returns the type of a torch.dtype; null if the value is not a torch.dtype.</summary>
    public static DataType? TensorType(object? value)
        => value is PickleGlobal global && Tensors.TryGetValue(global.Name, out var type) ? type : null;

    /// <summary>Sets an object's state; false if the state does not fit.</summary>
    public static bool Build(object? target, object? state)
    {
        switch (target)
        {
            case NumpyType type:
                return type.SetState(state);
            case NumpyArray array:
                return array.SetState(state);
            // Attributes, such as the _metadata of a state dictionary, are ignored.
            case PickleDictionary or PickleList or PickleObject or TorchTensor:
                return true;
            default:
                return false;
        }
    }

    private static IEnumerable<KeyValuePair<string, DataType>> Types(string prefix, (string Name, DataType Type)[] types)
        => types.Select(t => KeyValuePair.Create(prefix + t.Name, t.Type));

    private static IEnumerable<PickleGlobal> All() => [
        .. Containers(),
        .. Torch(),
        .. Numpy(),
    ];

    private static IEnumerable<PickleGlobal> Containers() => [
        new("collections.OrderedDict", Dictionary),
        new("collections.Counter", Dictionary),
        new("collections.defaultdict", _ => new PickleDictionary()),
        new("builtins.dict", Dictionary),
        new("builtins.list", ListOf),
        new("builtins.set", ListOf),
        new("builtins.frozenset", ListOf),
        new("builtins.bytes", BytesOf),
        new("builtins.bytearray", BytesOf),
        new("_codecs.encode", a => a is [string or PickleText, "latin1" or "latin-1"] ? a[0] : null),
        // The factories of defaultdicts: they are named, but never called.
        new("builtins.int"),
        new("builtins.float"),
        new("builtins.bool"),
        new("builtins.str"),
        new("builtins.tuple"),
        new("argparse.Namespace", _ => new PickleObject("argparse.Namespace")),
    ];

    private static IEnumerable<PickleGlobal> Torch() => [
        new("torch._utils._rebuild_tensor", a => a.Count == 4 ? Tensor(a) : null),
        new("torch._utils._rebuild_tensor_v2", a => a.Count is 6 or 7 ? Tensor(a) : null),
        new("torch._utils._rebuild_tensor_v3", a => a.Count is 7 or 8 && TensorType(a[6]) is { } type ? Tensor(a, type) : null),
        new("torch._utils._rebuild_parameter", a => a.Count == 3 ? a[0] as TorchTensor : null),
        new("torch._utils._rebuild_parameter_with_state", a => a.Count == 4 ? a[0] as TorchTensor : null),
        new("torch._tensor._rebuild_from_type_v2", FromType),
        new("torch.Tensor"),
        new("torch.nn.parameter.Parameter"),
        new("torch.Size", a => a is [PickleTuple size] ? size : null),
        new("torch.device", a => a.Count is 1 or 2 ? new PickleObject("torch.device") : null),
        new("torch.storage.UntypedStorage"),
        new("torch.storage.TypedStorage"),
        .. StorageTypes.Select(t => new PickleGlobal($"torch.{t.Name}")),
        .. StorageTypes.Select(t => new PickleGlobal($"torch.cuda.{t.Name}")),
        .. TensorTypes.Select(t => new PickleGlobal($"torch.{t.Name}")),
    ];

    private static IEnumerable<PickleGlobal> Numpy() => [
        new("numpy.ndarray"),
        new("numpy.dtype", NumpyType.Create),
        new("numpy.core.multiarray._reconstruct", a => a is [PickleGlobal { Name: "numpy.ndarray" }, ..] ? new NumpyArray() : null),
        new("numpy.core.multiarray.scalar", NumpyArray.Scalar),
        new("numpy.core.numeric._frombuffer", NumpyArray.FromBuffer),
    ];

    /// <summary>Arguments: none, another dictionary, or (Python 2) a list of pairs.</summary>
    private static PickleDictionary? Dictionary(IReadOnlyList<object?> arguments)
    {
        if (arguments is [PickleDictionary other])
            return other;
        var dictionary = new PickleDictionary();
        if (arguments.Count == 0)
            return dictionary;
        if (arguments is not [PickleList pairs])
            return null;
        foreach (var item in pairs.Items)
        {
            if (PickleView.Items(item) is not [var key, var value])
                return null;
            dictionary.Add(key, value);
        }
        return dictionary;
    }

    private static PickleList? ListOf(IReadOnlyList<object?> arguments) => arguments switch
    {
        [] => new PickleList(),
        [PickleList list] => list,
        _ => null,
    };

    /// <summary>
    /// Arguments: none, bytes, or a string and the encoding latin-1. The string is returned as it is, because it is used like
    /// bytes.
    /// </summary>
    private static object? BytesOf(IReadOnlyList<object?> arguments) => arguments switch
    {
        [] => "",
        [PickleBytes bytes] => bytes,
        [string or PickleText, "latin1" or "latin-1"] => arguments[0],
        _ => null,
    };

    private static TorchTensor? Tensor(IReadOnlyList<object?> arguments, DataType? type = null)
        => arguments is [TorchStorage storage, long offset, var size, var stride, ..]
            ? new TorchTensor(storage, type ?? storage.Type, offset, size, stride)
            : null;

    /// <summary>Arguments: (function, class, arguments, state), for a tensor with its own attributes.</summary>
    private static object? FromType(IReadOnlyList<object?> arguments)
        => arguments is [PickleGlobal { Call: { } call, Name: not "torch._tensor._rebuild_from_type_v2" }, _, PickleTuple inner, _]
            ? call(inner.Items) as TorchTensor
            : null;
}
