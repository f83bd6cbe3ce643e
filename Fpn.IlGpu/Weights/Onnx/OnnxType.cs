namespace Fpn.IlGpu.Weights;

/// <summary>The types of ONNX tensors that exported graphs use. Source: TensorProto.DataType of onnx.proto.</summary>
internal enum OnnxType
{
    /// <summary>IEEE 754 single precision.</summary>
    Float = 1,

    /// <summary>A pixel's level.</summary>
    UInt8 = 2,

    /// <summary>Sizes, indices and class ids.</summary>
    Int64 = 7,

    /// <summary>The result of a comparison.</summary>
    Bool = 9,

    /// <summary>IEEE 754 half precision: stored weights only.</summary>
    Float16 = 10,

    /// <summary>IEEE 754 double precision: sizes that must be rounded as the library rounds them.</summary>
    Double = 11,

    /// <summary>bfloat16: stored weights only.</summary>
    BFloat16 = 16,
}
