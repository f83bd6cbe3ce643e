using System.Numerics;
using System.Reflection;

namespace Fpn.IlGpu.Tests.KernelIl;

/// <summary>
/// The methods of .NET that ILGPU 1.5.3 replaces by its own, and that kernels may therefore call (its
/// RemappedIntrinsics). Others, such as Math.Clamp, have bodies that it refuses, or none.
/// </summary>
internal static class KnownCalls
{
    private static readonly HashSet<string> Functions =
    [
        "Abs", "Sqrt", "Sin", "Sinh", "Asin", "Cos", "Cosh", "Acos", "Tan", "Tanh", "Atan", "Atan2", "Exp", "Floor",
        "Ceiling", "Log", "Log10", "Pow", "Min", "Max", "CopySign",
    ];

    private static readonly Dictionary<Type, HashSet<string>> ByType = new()
    {
        [typeof(Math)] = Functions,
        [typeof(MathF)] = Functions,
        [typeof(float)] = ["IsNaN", "IsInfinity", "IsFinite"],
        [typeof(double)] = ["IsNaN", "IsInfinity", "IsFinite"],
        [typeof(BitConverter)] = ["SingleToInt32Bits", "Int32BitsToSingle", "DoubleToInt64Bits", "Int64BitsToDouble"],
        [typeof(BitOperations)] = ["PopCount", "LeadingZeroCount", "TrailingZeroCount"],
        [typeof(Interlocked)] = ["Add", "And", "Or", "Exchange", "CompareExchange", "Increment", "Decrement"],
    };

    public static bool Contains(MethodBase method) =>
        method.DeclaringType is { } type
        && ((ByType.TryGetValue(type, out var names) && names.Contains(method.Name))
            || (method.IsConstructor && type.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal)));
}
