namespace Fpn.IlGpu.Tensors;

/// <summary>The encoding of a stored tensor's elements. Little-endian unless stated otherwise.</summary>
public enum DataType
{
    /// <summary>IEEE 754 single precision, 4 bytes.</summary>
    F32,

    /// <summary>IEEE 754 half precision, 2 bytes.</summary>
    F16,

    /// <summary>bfloat16: the upper half of a single, 2 bytes.</summary>
    BF16,

    /// <summary>IEEE 754 double precision, 8 bytes.</summary>
    F64,

    /// <summary>Signed integer, 8 bytes.</summary>
    I64,

    /// <summary>Signed integer, 4 bytes.</summary>
    I32,

    /// <summary>Signed integer, 2 bytes.</summary>
    I16,

    /// <summary>Signed integer, 1 byte.</summary>
    I8,

    /// <summary>Unsigned integer, 8 bytes.</summary>
    U64,

    /// <summary>Unsigned integer, 4 bytes.</summary>
    U32,

    /// <summary>Unsigned integer, 2 bytes.</summary>
    U16,

    /// <summary>Unsigned integer, 1 byte.</summary>
    U8,

    /// <summary>One byte: 0 is false, anything else is true.</summary>
    Bool,
}

/// <summary>Sizes of the data types.</summary>
internal static class DataTypeExtensions
{
    /// <summary>The size of one element, in bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not one of the data types.</exception>
    public static int Bytes(this DataType type) => type switch
    {
        DataType.F64 or DataType.I64 or DataType.U64 => 8,
        DataType.F32 or DataType.I32 or DataType.U32 => 4,
        DataType.F16 or DataType.BF16 or DataType.I16 or DataType.U16 => 2,
        DataType.I8 or DataType.U8 or DataType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a data type."),
    };
}
