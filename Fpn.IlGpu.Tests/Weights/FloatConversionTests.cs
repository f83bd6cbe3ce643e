using System.Runtime.InteropServices;
using Fpn.IlGpu.Tensors;

namespace Fpn.IlGpu.Tests.Weights;

public class FloatConversionTests
{
    private static readonly ushort[] AllPatterns = Enumerable.Range(0, 65536).Select(i => (ushort)i).ToArray();

    /// <summary>Whole vectors, and lengths that leave a remainder for the scalar loop.</summary>
    [TestCase(65536)]
    [TestCase(1)]
    [TestCase(15)]
    [TestCase(17)]
    public void Every_half_converts_as_System_Half_does(int step)
    {
        for (var begin = 0; begin < 65536; begin += step)
        {
            var part = AllPatterns[begin..Math.Min(begin + step, 65536)];
            var values = Convert(part, DataType.F16);
            for (var i = 0; i < part.Length; i++)
                AssertSame(values[i], (float)BitConverter.UInt16BitsToHalf(part[i]), part[i]);
        }
    }

    [TestCase(65536)]
    [TestCase(17)]
    public void Every_bfloat16_is_the_upper_half_of_a_single(int step)
    {
        for (var begin = 0; begin < 65536; begin += step)
        {
            var part = AllPatterns[begin..Math.Min(begin + step, 65536)];
            var values = Convert(part, DataType.BF16);
            for (var i = 0; i < part.Length; i++)
                AssertSame(values[i], BitConverter.UInt32BitsToSingle((uint)part[i] << 16), part[i]);
        }
    }

    [TestCase(DataType.F16)]
    [TestCase(DataType.BF16)]
    public void Every_bit_pattern_survives_the_round_trip(DataType type)
    {
        var values = Convert(AllPatterns, type);
        var bytes = new byte[2 * values.Length];
        FloatConversion.FromFloat(values, type, bytes);
        var back = MemoryMarshal.Cast<byte, ushort>(bytes);
        for (var i = 0; i < values.Length; i++)
        {
            if (!float.IsNaN(values[i]))
                Assert.That(back[i], Is.EqualTo((ushort)i));
            else
                AssertSame(Convert([back[i]], type)[0], float.NaN, (ushort)i);
        }
    }

    [Test]
    public void Rounding_is_to_nearest_ties_to_even()
    {
        float[] values =
            [1 + 1f / 256, 1 + 3f / 256, 1 + 1.01f / 256, -1 - 1f / 256, float.MaxValue, BitConverter.UInt32BitsToSingle(0x7F80_0001)];
        var bytes = new byte[2 * values.Length];
        FloatConversion.FromFloat(values, DataType.BF16, bytes);
        Assert.That(
            Convert(MemoryMarshal.Cast<byte, ushort>(bytes).ToArray(), DataType.BF16),
            Is.EqualTo(new[] { 1f, 1 + 2f / 128, 1 + 1f / 128, -1f, float.PositiveInfinity, float.NaN }));
    }

    [Test]
    public void Other_types_convert_as_a_cast_does()
    {
        Assert.That(
            Numbers<double>(DataType.F64, 0.1, -1e300, 1e-300),
            Is.EqualTo(new[] { 0.1f, float.NegativeInfinity, 0f }));
        Assert.That(
            Numbers<long>(DataType.I64, long.MinValue, 16777217, 3),
            Is.EqualTo(new[] { -9.223372E+18f, 16777216f, 3f }));
        Assert.That(Numbers<ulong>(DataType.U64, ulong.MaxValue), Is.EqualTo(new[] { 1.8446744E+19f }));
        Assert.That(Numbers(DataType.I32, int.MinValue, 5), Is.EqualTo(new[] { -2147483648f, 5f }));
        Assert.That(Numbers(DataType.U32, uint.MaxValue), Is.EqualTo(new[] { 4294967296f }));
        Assert.That(Numbers<short>(DataType.I16, -32768), Is.EqualTo(new[] { -32768f }));
        Assert.That(Numbers<ushort>(DataType.U16, 65535), Is.EqualTo(new[] { 65535f }));
        Assert.That(Numbers<sbyte>(DataType.I8, -128, 127), Is.EqualTo(new[] { -128f, 127f }));
        Assert.That(Numbers<byte>(DataType.U8, 0, 255), Is.EqualTo(new[] { 0f, 255f }));
        Assert.That(Numbers<byte>(DataType.Bool, 0, 1, 255), Is.EqualTo(new[] { 0f, 1f, 1f }));
    }

    [Test]
    public void Elements_need_no_alignment()
    {
        var bytes = new byte[4 * 100 + 1];
        MemoryMarshal.AsBytes<ushort>(AllPatterns.AsSpan(0x3C00, 100)).CopyTo(bytes.AsSpan(1));
        var values = new float[100];
        FloatConversion.ToFloat(bytes.AsSpan(1, 200), DataType.F16, values);
        Assert.That(values, Is.EqualTo(Convert(AllPatterns[0x3C00..0x3C64], DataType.F16)));
    }

    private static float[] Numbers<T>(DataType type, params T[] numbers)
        where T : unmanaged
    {
        var values = new float[numbers.Length];
        FloatConversion.ToFloat(MemoryMarshal.AsBytes<T>(numbers), type, values);
        return values;
    }

    private static float[] Convert(ushort[] patterns, DataType type) => Numbers(type, patterns);

    /// <summary>Compares bits, so that -0 is not 0; any NaN equals any other.</summary>
    private static void AssertSame(float value, float expected, ushort pattern)
    {
        var same = float.IsNaN(expected)
            ? float.IsNaN(value)
            : BitConverter.SingleToUInt32Bits(value) == BitConverter.SingleToUInt32Bits(expected);
        if (!same)
            Assert.Fail($"0x{pattern:X4} became {value}, not {expected}");
    }
}
