namespace SixLabors.ImageSharp.Formats.Png;

internal sealed class PngConfigurationModule : IImageFormatConfigurationModule
{
    public void Configure(Configuration configuration) => configuration.Decoders.Add(new PngDecoder());
}
