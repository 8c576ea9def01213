//! The code pages that files name.

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, IBM866, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1250, WINDOWS_1251,
    WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

/// The characters from 128 on of the code page of DOS in Western Europe, which the web does not know.
const CODE_PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

/// The same of that in the United States.
const CODE_PAGE_437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// The meaning of bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Charset {
    Encoding(&'static Encoding),
    /// The characters from 128 on.
    Upper(&'static str),
}

impl Charset {
    /// The usual one.
    pub(super) const WESTERN: Self = Self::Encoding(WINDOWS_1252);

    /// The one of `\ansicpg` and `\cpg`.
    pub(super) fn of_code_page(number: i32) -> Option<Self> {
        Some(Self::Encoding(match number {
            437 => return Some(Self::Upper(CODE_PAGE_437)),
            850 => return Some(Self::Upper(CODE_PAGE_850)),
            866 => IBM866,
            874 => WINDOWS_874,
            932 => SHIFT_JIS,
            936 => GBK,
            949 => EUC_KR,
            950 => BIG5,
            1250 => WINDOWS_1250,
            1251 => WINDOWS_1251,
            1252 => WINDOWS_1252,
            1253 => WINDOWS_1253,
            1254 => WINDOWS_1254,
            1255 => WINDOWS_1255,
            1256 => WINDOWS_1256,
            1257 => WINDOWS_1257,
            1258 => WINDOWS_1258,
            10000 => MACINTOSH,
            65001 => UTF_8,
            _ => return None,
        }))
    }

    /// The one of `\fcharset`. `None` is that of the file.
    pub(super) fn of_font(number: i32) -> Option<Self> {
        let code_page = match number {
            77 => 10000,
            128 => 932,
            129 => 949,
            134 => 936,
            136 => 950,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 => 1255,
            178 => 1256,
            186 => 1257,
            204 => 1251,
            222 => 874,
            238 => 1250,
            _ => return None,
        };
        Self::of_code_page(code_page)
    }

    /// The name by which the web knows it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Encoding(encoding) => encoding.name(),
            Self::Upper(CODE_PAGE_437) => "IBM437",
            Self::Upper(_) => "IBM850",
        }
    }

    /// The text of `bytes`; what is broken becomes U+FFFD.
    pub(super) fn decode_to(self, bytes: &[u8], text: &mut String) {
        match self {
            Self::Encoding(encoding) => text.push_str(&encoding.decode_without_bom_handling(bytes).0),
            Self::Upper(upper) => text.extend(bytes.iter().map(|&byte| match byte.checked_sub(128) {
                None => char::from(byte),
                Some(place) => upper.chars().nth(place.into()).unwrap_or('\u{fffd}'),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_all_characters() {
        for table in [CODE_PAGE_437, CODE_PAGE_850] {
            assert_eq!(table.chars().count(), 128);
        }
        let mut text = String::new();
        Charset::of_code_page(850).unwrap().decode_to(b"caf\x82", &mut text);
        Charset::of_font(204).unwrap().decode_to(b"\xcf", &mut text);
        assert_eq!(text, "caféП");
    }
}
