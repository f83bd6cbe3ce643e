// Stand-in for XMath of ILGPU.Algorithms 1.5.3, used where the package feed lacks it.
namespace ILGPU.Algorithms;

/// <summary>Mathematical functions that kernels may call.</summary>
internal static class XMath
{
    public const float E = 2.71828182f;
    public const float Log2E = 1.44269504f;
    public const float Ln2 = 0.69314718f;
    public const float Ln10 = 2.30258509f;
    public const float PI = 3.14159265f;
    public const float PIHalf = PI / 2;
    public const float PIFourth = PI / 4;
    public const float OneOverPI = 1 / PI;
    public const float Sqrt2 = 1.41421356f;

    public static float Exp(float value) => MathF.Exp(value);

    public static float Log(float value) => MathF.Log(value);

    public static float Log2(float value) => MathF.Log2(value);

    public static float Log10(float value) => MathF.Log10(value);

    public static float Sqrt(float value) => MathF.Sqrt(value);

    public static float Floor(float value) => MathF.Floor(value);

    public static float Ceiling(float value) => MathF.Ceiling(value);

    public static float Truncate(float value) => MathF.Truncate(value);

    public static float Round(float value) => MathF.Round(value);

    public static float Sin(float value) => MathF.Sin(value);

    public static float Cos(float value) => MathF.Cos(value);

    public static float Tan(float value) => MathF.Tan(value);

    public static float Asin(float value) => MathF.Asin(value);

    public static float Acos(float value) => MathF.Acos(value);

    public static float Atan(float value) => MathF.Atan(value);

    public static float Sinh(float value) => MathF.Sinh(value);

    public static float Cosh(float value) => MathF.Cosh(value);

    public static float Tanh(float value) => MathF.Tanh(value);

    public static float Exp2(float value) => float.Exp2(value);

    public static float Log(float value, float newBase) => MathF.Log(value, newBase);

    public static float Rcp(float value) => 1 / value;

    public static float Rsqrt(float value) => 1 / MathF.Sqrt(value);

    public static float RoundToEven(float value) => MathF.Round(value, MidpointRounding.ToEven);

    public static float RoundAwayFromZero(float value) => MathF.Round(value, MidpointRounding.AwayFromZero);

    public static float Rem(float x, float y) => x % y;

    public static float Pow(float @base, float exp) => MathF.Pow(@base, exp);

    public static float Atan2(float y, float x) => MathF.Atan2(y, x);

    public static bool IsNaN(float value) => float.IsNaN(value);

    public static bool IsInfinity(float value) => float.IsInfinity(value);

    public static bool IsFinite(float value) => float.IsFinite(value);

    public static int Sign(float value) => value < 0 ? -1 : value > 0 ? 1 : 0;

    public static double Exp(double value) => Math.Exp(value);

    public static double Log(double value) => Math.Log(value);

    public static double Sqrt(double value) => Math.Sqrt(value);

    public static double Floor(double value) => Math.Floor(value);

    public static double Ceiling(double value) => Math.Ceiling(value);

    public static int Abs(int value) => Math.Abs(value);

    public static long Abs(long value) => Math.Abs(value);

    public static float Abs(float value) => Math.Abs(value);

    public static double Abs(double value) => Math.Abs(value);

    public static int Min(int first, int second) => Math.Min(first, second);

    public static uint Min(uint first, uint second) => Math.Min(first, second);

    public static long Min(long first, long second) => Math.Min(first, second);

    public static ulong Min(ulong first, ulong second) => Math.Min(first, second);

    public static float Min(float first, float second) => Math.Min(first, second);

    public static double Min(double first, double second) => Math.Min(first, second);

    public static int Max(int first, int second) => Math.Max(first, second);

    public static uint Max(uint first, uint second) => Math.Max(first, second);

    public static long Max(long first, long second) => Math.Max(first, second);

    public static ulong Max(ulong first, ulong second) => Math.Max(first, second);

    public static float Max(float first, float second) => Math.Max(first, second);

    public static double Max(double first, double second) => Math.Max(first, second);

    public static int Clamp(int value, int min, int max) => Math.Max(Math.Min(value, max), min);

    public static uint Clamp(uint value, uint min, uint max) => Math.Max(Math.Min(value, max), min);

    public static long Clamp(long value, long min, long max) => Math.Max(Math.Min(value, max), min);

    public static ulong Clamp(ulong value, ulong min, ulong max) => Math.Max(Math.Min(value, max), min);

    public static float Clamp(float value, float min, float max) => Math.Max(Math.Min(value, max), min);

    public static double Clamp(double value, double min, double max) => Math.Max(Math.Min(value, max), min);

    public static int DivRoundDown(int numerator, int denominator) => numerator / denominator;

    public static int DivRoundUp(int numerator, int denominator) =>
        (numerator + denominator - 1) / denominator;

    public static long DivRoundDown(long numerator, long denominator) => numerator / denominator;

    public static long DivRoundUp(long numerator, long denominator) =>
        (numerator + denominator - 1) / denominator;

    public static int PopCount(int value) => System.Numerics.BitOperations.PopCount((uint)value);

    public static int LeadingZeroCount(int value) => System.Numerics.BitOperations.LeadingZeroCount((uint)value);

    public static int TrailingZeroCount(int value) => System.Numerics.BitOperations.TrailingZeroCount(value);

    public static int PopCount(uint value) => System.Numerics.BitOperations.PopCount(value);

    public static int LeadingZeroCount(uint value) => System.Numerics.BitOperations.LeadingZeroCount(value);

    public static int TrailingZeroCount(uint value) => System.Numerics.BitOperations.TrailingZeroCount(value);

    public static int PopCount(long value) => System.Numerics.BitOperations.PopCount((ulong)value);

    public static int LeadingZeroCount(long value) => System.Numerics.BitOperations.LeadingZeroCount((ulong)value);

    public static int TrailingZeroCount(long value) => System.Numerics.BitOperations.TrailingZeroCount(value);

    public static int PopCount(ulong value) => System.Numerics.BitOperations.PopCount(value);

    public static int LeadingZeroCount(ulong value) => System.Numerics.BitOperations.LeadingZeroCount(value);

    public static int TrailingZeroCount(ulong value) => System.Numerics.BitOperations.TrailingZeroCount(value);
}
