namespace SixLabors.ImageSharp.Formats.Jpeg;

internal sealed class JpegConfigurationModule : IImageFormatConfigurationModule
{
    public void Configure(Configuration configuration) => configuration.Decoders.Add(new JpegDecoder());
}
