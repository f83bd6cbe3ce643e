namespace Fpn.IlGpu.Experiments.Scenes;

/// <summary>
/// Expands a seed to the 256 bits that initialise a generator, so that similar seeds give unrelated states: NumPy's SeedSequence
/// (after O'Neill's seed_seq_fe). The seed's words are hashed into a pool of four words, each word is mixed into every other, and the
/// output is two more hashes of the pool.
/// </summary>
internal static class SeedSequence
{
    private const int PoolSize = 4;

    /// <summary>The four 64-bit words of a seed.</summary>
    public static ulong[] Words(ulong seed)
    {
        Span<uint> pool = [(uint)seed, (uint)(seed >> 32), 0, 0];
        var absorbing = new Hash(0x43B0D7E5, 0x931E8875);
        for (var i = 0; i < PoolSize; i++)
            pool[i] = absorbing.Next(pool[i]);
        for (var from = 0; from < PoolSize; from++)
        {
            for (var to = 0; to < PoolSize; to++)
            {
                if (from != to)
                    pool[to] = Mix(pool[to], absorbing.Next(pool[from]));
            }
        }
        var squeezing = new Hash(0x8B51F9DD, 0x58F38DED);
        var words = new ulong[4];
        for (var i = 0; i < 2 * words.Length; i++)
            words[i / 2] |= (ulong)squeezing.Next(pool[i % PoolSize]) << (i % 2 * 32);
        return words;
    }

    private static uint Mix(uint a, uint b)
    {
        var mixed = 0xCA01F9DD * a - 0x4973F715 * b;
        return mixed ^ (mixed >> 16);
    }

    /// <summary>A hash of words whose constant changes with every word.</summary>
    private struct Hash(uint constant, uint factor)
    {
        public uint Next(uint word)
        {
            word ^= constant;
            constant *= factor;
            word *= constant;
            return word ^ (word >> 16);
        }
    }
}
