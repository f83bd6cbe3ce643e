namespace Fpn.IlGpu.Kernels;

// How the work is split.
internal static unsafe partial class SimdBackwardWeights
{
    private const int ChunkPixels = 128;

    // Limits of a part's sums, which take 12 × 32 × 4 bytes for each tile.
    private const int MostTiles = 192;
    private const int MostTilesOfPixels = 64;
    private const int MostBlocks = 4;
    private const int LeastTiles = 16;

    // Where weights are few, pixels are split for this many threads, however many there are: the sums must not depend on the number of
    // threads.
    private const int EnoughParts = 32;
    private const int PartsPerThread = 4;

    /// <summary>The output pixels of a chunk: its first picture, row and column, and how many it has of each.</summary>
    internal readonly record struct Chunk(int N, int Y, int X, int Pictures, int H, int W);

    /// <summary>How the work is split.</summary>
    /// <param name="RowLength">
    /// Contiguous values under a row of the window: kw · C / groups if its columns are contiguous, otherwise C / groups. Where all rows
    /// of the window are contiguous, too, the values under the whole window.
    /// </param>
    /// <param name="Runs">The number of such runs in a row of the window.</param>
    /// <param name="Tiles">All tiles of a block of output channels.</param>
    /// <param name="Ranges">Ranges that the tiles are split into.</param>
    /// <param name="Blocks">Blocks of output channels in a channel group.</param>
    /// <param name="BlocksAtOnce">Blocks that a thread computes from the same copy of the input.</param>
    /// <param name="Chunks">Chunks of pixels.</param>
    /// <param name="Splits">Parts of the chunks that are summed separately.</param>
    /// <param name="Pictures">Pictures in a chunk.</param>
    /// <param name="ChunkH">Rows in a chunk.</param>
    /// <param name="ChunkW">Columns in a chunk.</param>
    /// <param name="IsOneRun">1 where all that a window sees is one contiguous run inside the map; otherwise 0.</param>
    internal readonly record struct Plan(
        int RowLength, int Runs, int Tiles, int Ranges, int Blocks, int BlocksAtOnce, int Chunks, int Splits,
        int Pictures, int ChunkH, int ChunkW,
        int IsOneRun)
    {
        public static Plan Of(in ConvolutionSizes s, int threads)
        {
            var runs = s.DilationX == 1 ? 1 : s.KernelW;
            var rows = s.KernelH;
            var rowLength = s.KernelW * s.ChannelGroupInputC / runs;
            var isInside = s.PaddingY == 0 && s.PaddingX == 0;
            if (isInside && s.ChannelGroups == 1 && s.KernelW == s.InputW && runs == 1 && s.DilationY == 1)
            {
                // The window is as wide as the map, so that its rows are contiguous, too.
                (rows, rowLength) = (1, rows * rowLength);
            }
            var isOneRun = isInside && rows * runs == 1 && (s.KernelW == 1 || s.ChannelGroups == 1);
            var tiles = rows * runs * Division.CeilDiv(rowLength, SimdTile.Pixels);
            var blocks = Division.CeilDiv(s.ChannelGroupOutputC, SimdTile.Channels);

            var width = Division.CeilDiv(s.OutputW, Division.CeilDiv(s.OutputW, ChunkPixels));
            var height = Division.CeilDiv(s.OutputH, Division.CeilDiv(s.OutputH, Math.Max(1, ChunkPixels / width)));
            var pictures = Math.Clamp(ChunkPixels / (width * height), 1, s.OutputN);
            var chunks = Division.CeilDiv(s.OutputW, width) * Division.CeilDiv(s.OutputH, height) * Division.CeilDiv(s.OutputN, pictures);

            var splits = Math.Clamp(EnoughParts * LeastTiles / (s.ChannelGroups * blocks * tiles), 1, chunks);
            var ranges = Division.CeilDiv(tiles, isOneRun ? MostTilesOfPixels : MostTiles);
            var plan = new Plan(
                rowLength, runs, tiles, ranges, blocks, 1, chunks, splits, pictures, height, width, isOneRun ? 1 : 0);
            var enough = threads * PartsPerThread;
            while (plan.Parts(s.ChannelGroups) < enough && tiles / (plan.Ranges + 1) >= LeastTiles)
                plan = plan with { Ranges = plan.Ranges + 1 };
            for (var more = plan with { BlocksAtOnce = 2 };
                more.BlocksAtOnce <= Math.Min(MostBlocks, blocks) && more.Parts(s.ChannelGroups) >= enough
                && more.BlocksAtOnce * tiles / plan.Ranges <= MostTiles * 4 / 3;
                more = more with { BlocksAtOnce = 2 * more.BlocksAtOnce })
            {
                plan = more;
            }
            return plan;
        }

        /// <summary>Returns the number of parts of the work.</summary>
        public int Parts(int groups) => groups * Division.CeilDiv(Blocks, BlocksAtOnce) * Ranges * Splits;

        /// <summary>Returns how many floats of the input are copied for a chunk.</summary>
        public int CopyLength(in ConvolutionSizes s, int tiles) => Pictures * (IsOneRun != 0
            ? ChunkH * ChunkW * tiles * SimdTile.Pixels
            : SpanY(s, ChunkH) * SpanX(s, ChunkW) * s.ChannelGroupInputC);

        /// <summary>Returns the pixels of a chunk.</summary>
        public Chunk ChunkAt(in ConvolutionSizes s, int chunk)
        {
            var (columns, rows) = (Division.CeilDiv(s.OutputW, ChunkW), Division.CeilDiv(s.OutputH, ChunkH));
            var x = chunk % columns * ChunkW;
            var y = chunk / columns % rows * ChunkH;
            var n = chunk / columns / rows * Pictures;
            return new Chunk(
                n, y, x, Math.Min(Pictures, s.OutputN - n), Math.Min(ChunkH, s.OutputH - y), Math.Min(ChunkW, s.OutputW - x));
        }

        /// <summary>Returns a tile's row of the window, the column where its run begins, and its first value in the run.</summary>
        public (int Ky, int Kx, int M) TileAt(int tile)
        {
            var tilesOfRun = Division.CeilDiv(RowLength, SimdTile.Pixels);
            return (tile / tilesOfRun / Runs, tile / tilesOfRun % Runs, tile % tilesOfRun * SimdTile.Pixels);
        }
    }
}
