namespace Fpn.IlGpu.Runtime;

/// <summary>
/// The parts of an operator's work on a CPU. Its threads, one a core, take one part after the other until none is left, so
/// that no core waits while there is work. (ILGPU alone would hand out parts in pairs, and start the next pair when the
/// slower one of a pair is done.)
/// </summary>
internal readonly struct WorkShare
{
    // More launches than can be under way at once; a cache line each.
    private const int Slots = 1024;
    private const int SlotLength = 16;

    private static readonly int[] Taken = new int[Slots * SlotLength];
    private static int lastSlot;

    private readonly int slot;

    private WorkShare(int slot, int parts) => (this.slot, Parts) = (slot, parts);

    /// <summary>The number of parts.</summary>
    public int Parts { get; }

    /// <summary>A share of so many parts, for one launch.</summary>
    public static WorkShare Of(int parts)
    {
        var slot = (int)((uint)Interlocked.Increment(ref lastSlot) % Slots) * SlotLength;
        Taken[slot] = 0;
        return new WorkShare(slot, parts);
    }

    /// <summary>Takes the next part; false when none is left. Only for the body of an intrinsic on a CPU.</summary>
    public bool Take(out int part)
    {
        part = Interlocked.Increment(ref Taken[slot]) - 1;
        return part < Parts;
    }
}
