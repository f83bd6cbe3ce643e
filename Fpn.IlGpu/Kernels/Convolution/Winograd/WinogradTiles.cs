namespace Fpn.IlGpu.Kernels;

/// <summary>Consecutive output tiles of <see cref="WinogradTransform"/>, numbered over all pictures of a batch.</summary>
/// <param name="First">The first tile.</param>
/// <param name="Count">The number of tiles.</param>
/// <param name="TilesX">Tiles in a row of the map.</param>
/// <param name="TilesY">Tiles in a column of the map.</param>
internal readonly record struct WinogradTiles(int First, int Count, int TilesX, int TilesY)
{
    /// <summary>Returns all tiles of a convolution, atOnce at a time.</summary>
    public static IEnumerable<WinogradTiles> Of(ConvolutionSizes sizes, int atOnce)
    {
        var tilesX = Division.CeilDiv(sizes.OutputW, WinogradTransform.TileOutputs);
        var tilesY = Division.CeilDiv(sizes.OutputH, WinogradTransform.TileOutputs);
        var tiles = sizes.OutputN * tilesY * tilesX;
        for (var first = 0; first < tiles; first += atOnce)
            yield return new WinogradTiles(first, Math.Min(atOnce, tiles - first), tilesX, tilesY);
    }

    /// <summary>Returns a tile's picture, and the output row and column where it begins.</summary>
    public (int N, int Y, int X) Corner(int tile)
    {
        var row = (First + tile) / TilesX;
        return (row / TilesY, row % TilesY * WinogradTransform.TileOutputs, (First + tile) % TilesX * WinogradTransform.TileOutputs);
    }
}
