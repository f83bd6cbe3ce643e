using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Weights;

/// <summary>
/// A numpy dtype: numpy.dtype('f4', …), then its state (version, byte order '&lt;', '&gt;', '=' or '|', …).
/// Source: numpy's arraydescr_reduce.
/// </summary>
internal sealed class NumpyType
{
    private NumpyType(string code, bool bigEndian)
    {
        Code = code;
        BigEndian = bigEndian;
    }

    /// <summary>Kind and size, such as <c>f4</c>.</summary>
    public string Code { get; }

    /// <summary>Whether elements are big-endian.</summary>
    public bool BigEndian { get; private set; }

    /// <summary>The equivalent data type; null if there is none.</summary>
    public DataType? Type => Code switch
    {
        "f8" => DataType.F64,
        "f4" => DataType.F32,
        "f2" => DataType.F16,
        "i8" => DataType.I64,
        "i4" => DataType.I32,
        "i2" => DataType.I16,
        "i1" => DataType.I8,
        "u8" => DataType.U64,
        "u4" => DataType.U32,
        "u2" => DataType.U16,
        "u1" => DataType.U8,
        "b1" => DataType.Bool,
        _ => null,
    };

    public static NumpyType? Create(IReadOnlyList<object?> arguments) => arguments is [string { Length: > 0 } code, ..]
        ? new NumpyType(code.TrimStart('<', '>', '=', '|'), code[0] == '>')
        : null;

    public bool SetState(object? state)
    {
        if (PickleView.Items(state) is not [_, string order, ..])
            return false;
        if (order is not ("<" or ">" or "=" or "|"))
            return false;
        BigEndian = order == ">";
        return true;
    }
}

/// <summary>
/// A numpy array as the pickle describes it, in one of three ways: an empty array that then receives its state (version, shape,
/// dtype, whether in Fortran order, bytes); from protocol 5 on, a buffer with dtype, shape and order 'C' or 'F'; or a scalar
/// with dtype and bytes. In Fortran order the elements of the first axis are contiguous. Nothing is validated yet. Sources:
/// numpy's array_reduce, array_reduce_ex_picklebuffer and gentype_reduce.
/// </summary>
internal sealed class NumpyArray
{
    /// <summary>The type of the elements; null for an array that never received its state.</summary>
    public NumpyType? Type { get; private set; }

    /// <summary>A tuple of the extents.</summary>
    public object? Shape { get; private set; }

    public bool FortranOrder { get; private set; }

    /// <summary>The elements: bytes, or a string that encodes bytes.</summary>
    public object? Data { get; private set; }

    public static NumpyArray? Scalar(IReadOnlyList<object?> arguments) => arguments is [NumpyType type, var data]
        ? new NumpyArray { Type = type, Shape = PickleTuple.Empty, Data = data }
        : null;

    public static NumpyArray? FromBuffer(IReadOnlyList<object?> arguments)
        => arguments is [var data, NumpyType type, var shape, "C" or "F"]
            ? new NumpyArray { Type = type, Shape = shape, FortranOrder = arguments[3] is "F", Data = data }
            : null;

    public bool SetState(object? state)
    {
        if (PickleView.Items(state) is not { Count: 4 or 5 } items)
            return false;
        // The oldest states have no version before the shape.
        var at = items.Count - 4;
        if (items[at + 1] is not NumpyType type || Flag(items[at + 2]) is not { } fortran)
            return false;
        (Type, Shape, FortranOrder, Data) = (type, items[at], fortran, items[at + 3]);
        return true;
    }

    private static bool? Flag(object? value) => value switch
    {
        bool flag => flag,
        long number => number != 0,
        _ => null,
    };
}
