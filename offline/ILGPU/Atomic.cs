// Stand-in for Atomic of ILGPU 1.5.3, used where the package feed lacks it.

using System.Runtime.CompilerServices;

namespace ILGPU;

/// <summary>
/// Operations on one element that no other thread can come between; each returns the element's old value.
/// </summary>
internal static class Atomic
{
    public static int Add(ref int target, int value) => Interlocked.Add(ref target, value) - value;

    public static long Add(ref long target, long value) => Interlocked.Add(ref target, value) - value;

    public static uint Add(ref uint target, uint value) => Interlocked.Add(ref target, value) - value;

    public static ulong Add(ref ulong target, ulong value) => Interlocked.Add(ref target, value) - value;

    public static float Add(ref float target, float value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref int bits = ref Unsafe.As<float, int>(ref target);
        int seen = Volatile.Read(ref bits);
        while (true)
        {
            float old = BitConverter.Int32BitsToSingle(seen);
            int before = Interlocked.CompareExchange(ref bits, BitConverter.SingleToInt32Bits(old + value), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static double Add(ref double target, double value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref long bits = ref Unsafe.As<double, long>(ref target);
        long seen = Volatile.Read(ref bits);
        while (true)
        {
            double old = BitConverter.Int64BitsToDouble(seen);
            long before = Interlocked.CompareExchange(ref bits, BitConverter.DoubleToInt64Bits(old + value), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static int Min(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (true)
        {
            int before = Interlocked.CompareExchange(ref target, Math.Min(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static long Min(ref long target, long value)
    {
        long seen = Volatile.Read(ref target);
        while (true)
        {
            long before = Interlocked.CompareExchange(ref target, Math.Min(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static uint Min(ref uint target, uint value)
    {
        uint seen = Volatile.Read(ref target);
        while (true)
        {
            uint before = Interlocked.CompareExchange(ref target, Math.Min(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static ulong Min(ref ulong target, ulong value)
    {
        ulong seen = Volatile.Read(ref target);
        while (true)
        {
            ulong before = Interlocked.CompareExchange(ref target, Math.Min(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static float Min(ref float target, float value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref int bits = ref Unsafe.As<float, int>(ref target);
        int seen = Volatile.Read(ref bits);
        while (true)
        {
            float old = BitConverter.Int32BitsToSingle(seen);
            int before = Interlocked.CompareExchange(
                ref bits, BitConverter.SingleToInt32Bits(Math.Min(old, value)), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static double Min(ref double target, double value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref long bits = ref Unsafe.As<double, long>(ref target);
        long seen = Volatile.Read(ref bits);
        while (true)
        {
            double old = BitConverter.Int64BitsToDouble(seen);
            long before = Interlocked.CompareExchange(
                ref bits, BitConverter.DoubleToInt64Bits(Math.Min(old, value)), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static int Max(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (true)
        {
            int before = Interlocked.CompareExchange(ref target, Math.Max(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static long Max(ref long target, long value)
    {
        long seen = Volatile.Read(ref target);
        while (true)
        {
            long before = Interlocked.CompareExchange(ref target, Math.Max(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static uint Max(ref uint target, uint value)
    {
        uint seen = Volatile.Read(ref target);
        while (true)
        {
            uint before = Interlocked.CompareExchange(ref target, Math.Max(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static ulong Max(ref ulong target, ulong value)
    {
        ulong seen = Volatile.Read(ref target);
        while (true)
        {
            ulong before = Interlocked.CompareExchange(ref target, Math.Max(seen, value), seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static float Max(ref float target, float value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref int bits = ref Unsafe.As<float, int>(ref target);
        int seen = Volatile.Read(ref bits);
        while (true)
        {
            float old = BitConverter.Int32BitsToSingle(seen);
            int before = Interlocked.CompareExchange(
                ref bits, BitConverter.SingleToInt32Bits(Math.Max(old, value)), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static double Max(ref double target, double value)
    {
        // Compared as bits, so that a NaN in the element ends the loop too.
        ref long bits = ref Unsafe.As<double, long>(ref target);
        long seen = Volatile.Read(ref bits);
        while (true)
        {
            double old = BitConverter.Int64BitsToDouble(seen);
            long before = Interlocked.CompareExchange(
                ref bits, BitConverter.DoubleToInt64Bits(Math.Max(old, value)), seen);
            if (before == seen)
                return old;
            seen = before;
        }
    }

    public static int And(ref int target, int value) => Interlocked.And(ref target, value);

    public static long And(ref long target, long value) => Interlocked.And(ref target, value);

    public static uint And(ref uint target, uint value) => Interlocked.And(ref target, value);

    public static ulong And(ref ulong target, ulong value) => Interlocked.And(ref target, value);

    public static int Or(ref int target, int value) => Interlocked.Or(ref target, value);

    public static long Or(ref long target, long value) => Interlocked.Or(ref target, value);

    public static uint Or(ref uint target, uint value) => Interlocked.Or(ref target, value);

    public static ulong Or(ref ulong target, ulong value) => Interlocked.Or(ref target, value);

    public static int Xor(ref int target, int value)
    {
        int seen = Volatile.Read(ref target);
        while (true)
        {
            int before = Interlocked.CompareExchange(ref target, seen ^ value, seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static long Xor(ref long target, long value)
    {
        long seen = Volatile.Read(ref target);
        while (true)
        {
            long before = Interlocked.CompareExchange(ref target, seen ^ value, seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static uint Xor(ref uint target, uint value)
    {
        uint seen = Volatile.Read(ref target);
        while (true)
        {
            uint before = Interlocked.CompareExchange(ref target, seen ^ value, seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static ulong Xor(ref ulong target, ulong value)
    {
        ulong seen = Volatile.Read(ref target);
        while (true)
        {
            ulong before = Interlocked.CompareExchange(ref target, seen ^ value, seen);
            if (before == seen)
                return before;
            seen = before;
        }
    }

    public static int Exchange(ref int target, int value) => Interlocked.Exchange(ref target, value);

    public static long Exchange(ref long target, long value) => Interlocked.Exchange(ref target, value);

    public static uint Exchange(ref uint target, uint value) => Interlocked.Exchange(ref target, value);

    public static ulong Exchange(ref ulong target, ulong value) => Interlocked.Exchange(ref target, value);

    public static float Exchange(ref float target, float value) => Interlocked.Exchange(ref target, value);

    public static double Exchange(ref double target, double value) => Interlocked.Exchange(ref target, value);

    public static int CompareExchange(ref int target, int compare, int value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static long CompareExchange(ref long target, long compare, long value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static uint CompareExchange(ref uint target, uint compare, uint value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static ulong CompareExchange(ref ulong target, ulong compare, ulong value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static float CompareExchange(ref float target, float compare, float value) =>
        Interlocked.CompareExchange(ref target, value, compare);

    public static double CompareExchange(ref double target, double compare, double value) =>
        Interlocked.CompareExchange(ref target, value, compare);
}
