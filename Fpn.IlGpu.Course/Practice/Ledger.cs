using ILGPU;

namespace Fpn.IlGpu.Course;

/// <summary>Counts the accesses to one array, and remembers the first one that was outside.</summary>
internal sealed class Ledger
{
    // A cache line for each thread of the group, so that counting on one core does not disturb another.
    private const int Pitch = 8;

    private static readonly Dictionary<int, Ledger> ByNumber = [];
    private static Ledger[] all = new Ledger[1];

    private readonly long[] reads = new long[CourseDevice.GroupSize * Pitch];
    private readonly int[] writes;
    private Stray? firstStray;

    private Ledger(string name, int length) => (Name, writes) = (name, new int[length]);

    /// <summary>Shared memory's. Only one kernel runs at a time.</summary>
    public static Ledger Shared { get; } = new("shared memory", 0);

    /// <summary>That of all threads' own arrays.</summary>
    public static Ledger Local { get; } = new("the thread's own array", 0);

    public string Name { get; }

    /// <summary>The number of reads by all threads.</summary>
    public long Reads => reads.Sum();

    /// <summary>How often each element was written.</summary>
    public ReadOnlySpan<int> Writes => writes;

    /// <summary>The first access outside the array, or null.</summary>
    public Stray? FirstStray => firstStray;

    public static Ledger Of(int number) => all[number];

    /// <summary>Opens a ledger; its number is how a view names it.</summary>
    public static int Open(string name, int length)
    {
        lock (ByNumber)
        {
            var number = 1;
            while (ByNumber.ContainsKey(number))
                number++;
            ByNumber[number] = new Ledger(name, length);
            var grown = new Ledger[Math.Max(all.Length, number + 1)];
            all.CopyTo(grown, 0);
            grown[number] = ByNumber[number];
            all = grown;
            return number;
        }
    }

    public static void Close(int number)
    {
        lock (ByNumber)
            ByNumber.Remove(number);
    }

    public void Clear()
    {
        Array.Clear(reads);
        Array.Clear(writes);
        firstStray = null;
    }

    /// <summary>Counts a read; returns whether it is inside the array.</summary>
    public bool Read(int index) => Read(index, writes.Length);

    public bool Read(int index, int length)
    {
        if ((uint)index >= (uint)length)
            return IsStray(index, length, isWrite: false);
        var thread = Group.IdxX;
        var count = ++reads[thread * Pitch];
        // Makes every other thread late now and then: a missing barrier must show, whatever the machine.
        if ((thread & 1) != 0 && count % 8 == 1)
            Thread.Yield();
        return true;
    }

    /// <summary>Counts a write; returns whether it is inside the array.</summary>
    public bool Write(int index)
    {
        if (!Write(index, writes.Length))
            return false;
        Interlocked.Increment(ref writes[index]);
        return true;
    }

    public bool Write(int index, int length) => IsInside(index, length, isWrite: true);

    /// <summary>Returns whether an access is inside the array, without counting it.</summary>
    public bool IsInside(int index, int length, bool isWrite) => (uint)index < (uint)length || IsStray(index, length, isWrite);

    private bool IsStray(int index, int length, bool isWrite)
    {
        var stray = new Stray(index, length, isWrite, Grid.IdxX, Group.IdxX);
        Interlocked.CompareExchange(ref firstStray, stray, null);
        return false;
    }
}

/// <summary>An access outside an array.</summary>
/// <param name="Index">The index.</param>
/// <param name="Length">The array's length.</param>
/// <param name="IsWrite">Whether it was a write.</param>
/// <param name="Group">The group of the thread.</param>
/// <param name="Thread">The thread in its group.</param>
internal sealed record Stray(int Index, int Length, bool IsWrite, int Group, int Thread);
