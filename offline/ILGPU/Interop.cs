// Stand-in for Interop of ILGPU 1.5.3, used where the package feed lacks it.
namespace ILGPU;

/// <summary>Sizes of types, and numbers seen as bits.</summary>
internal static class Interop
{
    public static unsafe int SizeOf<T>() where T : unmanaged => sizeof(T);

    public static unsafe int SizeOf<T>(T structure) where T : unmanaged => sizeof(T);

    public static uint FloatAsInt(float value) => BitConverter.SingleToUInt32Bits(value);

    public static ulong FloatAsInt(double value) => BitConverter.DoubleToUInt64Bits(value);

    public static float IntAsFloat(uint value) => BitConverter.UInt32BitsToSingle(value);

    public static double IntAsFloat(ulong value) => BitConverter.UInt64BitsToDouble(value);
}
